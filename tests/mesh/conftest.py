import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog

from mesh import identity, telemetry
from mesh.channels import Channels
from mesh.local.certificates import Authority
from tests.mesh.moving import MovedTime
from tests.mesh.probe import Probe, Stub, World, probing


@pytest.fixture
def moved_time(monkeypatch: pytest.MonkeyPatch) -> MovedTime:
    """The time that mesh.identity goes by."""
    moved = MovedTime()
    monkeypatch.setattr(identity, "time", moved)
    return moved


class Logged:
    """What the process has logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        """The lines of this event."""
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logged]:
    """Logs as production does, down to debug, into memory."""
    found = Logged()
    before = logging.root.handlers[:], logging.root.level
    logging.root.handlers = []  # pytest's own, which configuring would close
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", found.stream)
        telemetry.configure_logs("probe", "debug")
    structlog.configure(cache_logger_on_first_use=False)  # or what logs first here would log here for ever
    yield found
    structlog.reset_defaults()
    logging.root.handlers, logging.root.level = before


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(Authority(tmp_path_factory.mktemp("mesh")))


@pytest.fixture
async def probe(world: World) -> AsyncIterator[Probe]:
    """The probe service."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(probing(world))


@pytest.fixture
async def stubs(probe: Probe) -> AsyncIterator[dict[str, Any]]:
    """What these services call the probe with."""
    made = {
        name: Channels(probe.world.settings(name, PEER_ADDRESSES=f"probe={probe.address}")) for name in ("booking", "gateway")
    }
    yield {name: channels.stub(Stub, "probe") for name, channels in made.items()}
    await asyncio.gather(*(channels.close() for channels in made.values()))


@pytest.fixture
def stub(stubs: dict[str, Any]) -> Any:
    return stubs["booking"]
