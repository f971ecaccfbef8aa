import pytest

from mesh import identity
from tests.mesh.moving import MovedTime


@pytest.fixture
def moved_time(monkeypatch: pytest.MonkeyPatch) -> MovedTime:
    """The time that mesh.identity goes by."""
    moved = MovedTime()
    monkeypatch.setattr(identity, "time", moved)
    return moved
