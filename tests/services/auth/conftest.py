"""Fixtures of auth's tests."""

from collections.abc import AsyncIterator

import pytest

from services.auth.__main__ import assemble
from services.auth.settings import AuthSettings
from tests.mesh.moving import MovedClock
from tests.services.auth.support import SECRET, AuthUnderTest
from tests.support.service import Backing, serving


@pytest.fixture
async def auth(backing: Backing) -> AsyncIterator[AuthUnderTest]:
    clock = MovedClock()
    async with serving("auth", assemble, AuthSettings, backing, environment=SECRET, clock=clock) as service:
        yield AuthUnderTest(service, clock)
