"""The whole stack as processes behind the real edge, once a test session; scenes are journeys through it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from demo.journey.scene import Doors, Scene, open_scene
from demo.stack import doors_of, local_stack
from mesh.local.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack, on free ports, with rates that do not stand in the way of tests."""
    with local_stack(tmp_path_factory.mktemp("stack"), rate_scale=1000) as stack:
        yield stack


@pytest.fixture(scope="session")
def doors(stack: Stack) -> Doors:
    """Where the stack is entered."""
    return doors_of(stack)


@pytest.fixture
async def scene(doors: Doors) -> AsyncIterator[Scene]:
    """A new journey that has not begun."""
    async with open_scene(doors) as scene:
        yield scene
