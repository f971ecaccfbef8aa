"""How seeding meets services that are not there yet. What it adds is seen in test_up.py."""

import pytest

from demo.seed import patiently
from mesh.errors import DeadlinePassed, InvalidInput, MeshError, Unavailable


class Work:
    """Fails with these failures one after the other, then gives how often it was done."""

    def __init__(self, *failures: MeshError) -> None:
        self.done = 0
        self._failures = list(failures)

    async def __call__(self) -> int:
        self.done += 1
        if self._failures:
            raise self._failures.pop(0)
        return self.done


async def test_work_is_done_again_while_a_service_is_not_available() -> None:
    assert await patiently(Work(Unavailable("A", "Not yet."), DeadlinePassed("B", "Too slow."))) == 3


async def test_patience_ends() -> None:
    work = Work(*(Unavailable("A", "Not yet.") for _ in range(100)))
    with pytest.raises(Unavailable):
        await patiently(work, patience_seconds=0.3)
    assert 1 < work.done < 100


async def test_other_failures_are_told_at_once() -> None:
    work = Work(InvalidInput("A", "Never."))
    with pytest.raises(InvalidInput):
        await patiently(work)
    assert work.done == 1
