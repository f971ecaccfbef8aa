"""user under test, with a clock that tests move."""

from collections.abc import AsyncIterator

import pytest

from mesh.settings import Settings
from services.user.__main__ import assemble
from tests.services.user.support import SetClock
from tests.support.service import Backing, ServiceUnderTest, serving


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def user(backing: Backing, clock: SetClock) -> AsyncIterator[ServiceUnderTest]:
    async with serving("user", assemble, Settings, backing, clock=clock) as service:
        yield service
