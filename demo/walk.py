"""Walks the steps of the journey one after the other, each under a trace of its own, and keeps how each of them went."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from demo.journey.scene import Scene, Step, StepFailed
from demo.traces import Touched, Traces
from mesh.tracing import enter_trace, new_trace

_STEP_SECONDS = 90.0
_QUIET_SECONDS = 1.0
_SETTLE_SECONDS = 10.0
_POLL_SECONDS = 0.05


@dataclass
class Walked:
    """How one step went, or that it was not reached."""

    name: str
    via: str
    state: Literal["ok", "FAILED", "not run"] = "not run"
    milliseconds: float | None = None
    problem: str = ""  # one sentence, when it failed
    trace_id: str = ""
    touched: Touched = field(default_factory=Touched)  # when it ended


async def walk(steps: Sequence[Step], scene: Scene, traces: Traces, tell: Callable[[Walked], None]) -> list[Walked]:
    """Walks until a step fails; `tell` is told of each when it has ended. What comes after a failure is not run."""
    walked = not_run(steps)
    for step, result in zip(steps, walked, strict=True):
        await _walk_one(step, scene, result)
        result.touched = traces.touched_by(result.trace_id)
        tell(result)
        if result.problem:
            break
    return walked


def not_run(steps: Sequence[Step]) -> list[Walked]:
    """All of them, before any of them was walked."""
    return [Walked(step.name, step.via) for step in steps]


async def _walk_one(step: Step, scene: Scene, result: Walked) -> None:
    trace = new_trace()
    enter_trace(trace)
    result.trace_id = trace.trace_id
    result.state = "ok"
    began = time.perf_counter()
    try:
        async with asyncio.timeout(_STEP_SECONDS):
            await step.walk(scene)
    except Exception as error:  # whatever it is, it is told as this step's failure
        result.state, result.problem = "FAILED", _sentence(error)
    result.milliseconds = (time.perf_counter() - began) * 1000


async def settle(walked: Sequence[Walked], traces: Traces) -> dict[str, Touched]:
    """What each step has touched in the end, by trace: once the logs have told nothing new of any for a second."""
    give_up = time.monotonic() + _SETTLE_SECONDS
    seen, since = _touched(walked, traces), time.monotonic()
    while time.monotonic() < min(since + _QUIET_SECONDS, give_up):
        await asyncio.sleep(_POLL_SECONDS)
        now = _touched(walked, traces)
        if now != seen:
            seen, since = now, time.monotonic()
    return seen


def _touched(walked: Sequence[Walked], traces: Traces) -> dict[str, Touched]:
    return {each.trace_id: traces.touched_by(each.trace_id) for each in walked if each.trace_id}


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, StepFailed):
        return text
    if isinstance(error, TimeoutError) and not text:
        return f"it took longer than {_STEP_SECONDS:g} s."
    return f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}."
