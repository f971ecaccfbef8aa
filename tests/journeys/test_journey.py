"""One booking's way through all eight services; each step is a test, in order."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from demo.journey import STEPS, Step
from demo.journey.scene import Doors, Scene, open_scene
from tests.journeys.conftest import elsewhere

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def journey(doors: Doors) -> AsyncIterator[Scene]:
    """The scene that the steps share; a step that fails leaves the later ones without their ground."""
    async with open_scene(doors, place=elsewhere()) as scene:
        yield scene


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
async def test_step(journey: Scene, step: Step) -> None:
    await step.walk(journey)
