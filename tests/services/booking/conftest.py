"""Fixtures of booking's tests."""

from collections.abc import AsyncIterator

import pytest

from tests.services.booking.support import Stage, on_stage
from tests.support.service import Backing


@pytest.fixture
async def stage(backing: Backing) -> AsyncIterator[Stage]:
    """booking with peers that answer; nothing happens by itself but at the start."""
    async with on_stage(backing) as made:
        yield made
