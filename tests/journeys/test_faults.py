"""The journey ends right, exactly once, whatever is killed or cut off in the middle of it."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from demo.journey import STEPS
from demo.journey.scene import Doors, Scene, expect, open_scene
from mesh.local.stack import Stack
from tests.journeys.conftest import elsewhere

_PATIENCE_SECONDS = 90.0
_BROKER_DOWN_SECONDS = 30.0

KILLED_DURING = {
    "auth": "register",
    "user": "review",
    "booking": "accept",
    "realtime": "travel",
    "notification": "accept",
    "payment": "accept",
    "chat": "talk",
    "analytics": "work",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service, during", KILLED_DURING.items(), ids=KILLED_DURING.keys())
async def test_journey_ends_right_when_a_service_is_killed_in_the_middle(
    stack: Stack, doors: Doors, service: str, during: str
) -> None:
    async with open_scene(doors, _PATIENCE_SECONDS, elsewhere()) as scene:
        for step in STEPS:
            if step.walk.__name__ == during:
                await _walk_while(scene, step.walk.__name__, lambda: _kill_and_restart(stack, service))
            else:
                await step.walk(scene)
        await _expect_once(scene)


@pytest.mark.timeout(300)
async def test_journey_ends_right_when_the_broker_is_down_for_half_a_minute(stack: Stack, doors: Doors) -> None:
    async with open_scene(doors, _PATIENCE_SECONDS, elsewhere()) as scene:
        await _walk_while(scene, "", lambda: _freeze_broker(stack))
        await _expect_once(scene)


async def _walk_while(scene: Scene, name: str, provoke: Callable[[], None]) -> None:
    """Walks the step of this name, or all of them, while the fault is provoked on another thread."""
    fault = asyncio.create_task(asyncio.to_thread(provoke))
    for step in STEPS:
        if name in ("", step.walk.__name__):
            await step.walk(scene)
    await fault


def _kill_and_restart(stack: Stack, service: str) -> None:
    threading.Event().wait(0.03)  # the step is under way
    stack.kill(service)
    stack.restart(service)


def _freeze_broker(stack: Stack) -> None:
    stack.pause("broker")
    started = time.monotonic()
    threading.Event().wait(_BROKER_DOWN_SECONDS)
    stack.resume("broker")
    assert time.monotonic() - started >= _BROKER_DOWN_SECONDS


async def _expect_once(scene: Scene) -> None:
    """What the steps do not see by themselves: that nothing happened twice."""
    answer = await scene.rest.call("GET", "/v1/notifications?page.page_size=100", token=scene.customer.access_token)
    told = [(each["type"], each["booking_id"]) for each in answer["notifications"] if each["type"].startswith("booking_")]
    expect(len(told) == len(set(told)), f"nobody is told twice of the same thing: {told}")
    path = f"/v1/bookings/{scene.booking_id}/ledger"
    ledger = await scene.rest.call("GET", path, token=scene.admin.access_token)
    kinds = [entry["kind"] for entry in ledger["entries"]]
    expect(sorted(kinds) == ["hold", "release"], f"the cancelled booking was held once and released once: {kinds}")
