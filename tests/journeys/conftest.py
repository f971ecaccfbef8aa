"""The whole stack as processes behind the real edge, once a test session; scenes are journeys through it."""

import random
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from demo.journey.scene import Doors, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.stack import Stack
from tests.journeys.cast import Cast, gather_cast
from tests.support.calls import Caller, calling


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack, on free ports, with rates that do not stand in the way of tests."""
    with local_stack(tmp_path_factory.mktemp("stack"), rate_scale=1000) as stack:
        yield stack


@pytest.fixture(scope="session")
def doors(stack: Stack) -> Doors:
    """Where the stack is entered."""
    return doors_of(stack)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(doors: Doors) -> AsyncIterator[Cast]:
    """Everybody, and bookings in every state, for one module."""
    async with open_scene(doors, place=elsewhere()) as scene:
        yield await gather_cast(scene)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(stack: Stack) -> AsyncIterator[Caller]:
    """Every door of the stack, for one module."""
    async with calling(stack) as caller:
        yield caller


def elsewhere() -> dict[str, float]:
    """A place in Brazil where no other journey of this stack has providers."""
    return {"latitude": round(random.uniform(-30, -5), 4), "longitude": round(random.uniform(-60, -40), 4)}
