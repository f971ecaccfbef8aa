"""Freezing a program for good: the signal alone lets its threads finish what they are at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mesh.local.program import Program
from tests.mesh.waiting import until


@asynccontextmanager
async def frozen(program: Program) -> AsyncIterator[None]:
    """Inside, no thread of the program moves."""
    program.freeze()
    try:
        await until(lambda: _is_still(program), 5, "every thread has stopped")
        yield
    finally:
        program.resume()


def _is_still(program: Program) -> bool:
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{program.pid}/task").glob("*/stat")]
    return bool(states) and set(states) == {"T"}
