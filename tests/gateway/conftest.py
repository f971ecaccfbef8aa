"""One Envoy and one set of servers behind it for all tests of the edge."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.gateway.backends import Backends, running_backends
from tests.gateway.edge import Edge, running_edge


@pytest.fixture(scope="package")
def edge_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For certificates, configurations and logs."""
    return tmp_path_factory.mktemp("edge")


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_backends(edge_folder: Path) -> AsyncIterator[Backends]:
    """All services, behind every edge of these tests."""
    async with running_backends(edge_folder / "certificates") as backends:
        yield backends


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def shared_edge(shared_backends: Backends, edge_folder: Path) -> AsyncIterator[Edge]:
    """The one edge of these tests."""
    async with running_edge(shared_backends, edge_folder) as edge:
        yield edge


@pytest_asyncio.fixture(loop_scope="package")
async def edge(shared_edge: Edge) -> Edge:
    """The edge; nothing has reached its backends yet."""
    shared_edge.backends.forget()
    return shared_edge


@pytest_asyncio.fixture(loop_scope="package")
async def backends(shared_backends: Backends) -> Backends:
    """The services; nothing has reached them yet."""
    shared_backends.forget()
    return shared_backends
