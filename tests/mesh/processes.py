"""Services as processes, started as production starts them, with what they wrote and how they ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mesh.local.ports import free_port
from tests.mesh.probe import World
from tests.mesh.waiting import until

_ROOT = Path(__file__).parents[2]


class Process:
    """One process, from its start on."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path, errors: Path) -> None:
        self._process = process
        self._output, self._errors = output, errors

    @property
    def said(self) -> str:
        """All that it wrote, to both ends."""
        return self._output.read_text() + self.errors

    @property
    def errors(self) -> str:
        return self._errors.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._output.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of this event."""
        return [line for line in self.lines if line["event"] == event]

    def logged_by(self, library: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("logger") == library]

    async def logs(self, event: str, times: int = 1) -> dict[str, Any]:
        """Waits until the event was logged so often. Returns its last line."""
        await until(lambda: len(self.logged(event)) >= times or not self._goes_on(), what=f"{event} is logged")
        return self.logged(event)[-1]

    async def address(self) -> str:
        """Waits until it serves."""
        return f"127.0.0.1:{(await self.logs('serving'))['port']}"

    def terminate(self) -> None:
        self._process.terminate()

    async def ended(self, seconds: float = 15) -> int:
        """Waits for the end. Returns the exit code."""
        await until(lambda: self._process.poll() is not None, seconds, "the process has ended")
        return self._process.returncode

    def _goes_on(self) -> bool:
        assert self._process.poll() is None, f"the process ended with {self._process.returncode}: {self.said}"
        return True


def environment_of(world: World, service: str, **variables: str) -> dict[str, str]:
    """What a service is told that needs no stores."""
    return {
        "MONGO_URL": "mongodb://127.0.0.1:1",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GRPC_LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "DRAIN_SECONDS": "0",
        "STOP_GRACE_SECONDS": "5",
        "VERIFYING_KEY": json.dumps(world.signer.public_key),
        **world.certificate(service).environment,
        **variables,
    }


@contextmanager
def living(service: str, folder: Path, environment: Mapping[str, str]) -> Iterator[Process]:
    """A process of tests/mesh/living.py, which ends with the block at the latest."""
    output, errors = folder / f"{service}.log", folder / f"{service}.errors"
    found = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    path = {"PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / 'generated'}", "PYTHONUNBUFFERED": "1"}
    tied = [sys.executable, "-I", "-S", str(_ROOT / "mesh/local/tied.py"), str(os.getpid())]
    with output.open("wb") as to_output, errors.open("wb") as to_errors:
        process = subprocess.Popen(
            [*tied, sys.executable, "-m", "tests.mesh.living", service],
            env=found | path | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=to_output,
            stderr=to_errors,
            cwd=folder,
        )
    try:
        yield Process(process, output, errors)
    finally:
        process.kill()
        process.wait()
