"""The whole stack behind its edge, and one booking in it, for tests that throw much at it."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from demo.journey import matching, people
from demo.journey.scene import Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.stack import Stack


@dataclass(frozen=True)
class Known:
    """What exists: tokens by role, and the ids that paths can name."""

    tokens: Mapping[str, str]
    ids: Mapping[str, str]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack, with rates that do not stand in the way."""
    with local_stack(tmp_path_factory.mktemp("stack"), rate_scale=100_000, log_level="info") as stack:
        yield stack


@pytest.fixture(scope="session")
def doors(stack: Stack) -> Doors:
    """Where the stack is entered."""
    return doors_of(stack)


@pytest.fixture(scope="session")
def known(doors: Doors) -> Known:
    """A confirmed booking and its people."""
    return asyncio.run(_walk(doors))


async def _walk(doors: Doors) -> Known:
    async with open_scene(doors) as scene:
        for step in (*people.STEPS, *matching.STEPS):
            await step.walk(scene)
        tokens = {
            "customer": scene.customer.access_token,
            "provider": scene.provider.access_token,
            "admin": scene.admin.access_token,
        }
        ids = {
            "booking_id": scene.booking_id,
            "provider_id": scene.provider.account_id,
            "request_id": str(scene.request["request_id"]),
            "category_id": "electrical",
        }
        return Known(tokens, ids)
