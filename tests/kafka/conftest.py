from pathlib import Path

import pytest

from tests.mesh.events.conftest import collected

__all__ = ["collected"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is here runs on Apache Kafka alone: make test-kafka."""
    return None if config.getoption("broker") == "kafka" else True
