"""The whole stack as processes behind the real edge, once a test session; scenes are journeys through it."""

import random
from collections.abc import Iterator

import pytest

from demo.journey.scene import Doors
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


def elsewhere() -> dict[str, float]:
    """A place in Brazil where no other journey of this stack has providers."""
    return {"latitude": round(random.uniform(-30, -5), 4), "longitude": round(random.uniform(-60, -40), 4)}
