"""The simulator of Stripe and a payment service on it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.services.payment.bench import Bench, Stripe, paying, simulating
from tests.support.service import Backing


@pytest.fixture
async def stripe(tmp_path: Path) -> AsyncIterator[Stripe]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(simulating(tmp_path))


@pytest.fixture
async def bench(backing: Backing, stripe: Stripe) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(paying(backing, stripe))
