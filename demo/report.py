"""What the demo says of the journey: each step in two lines, what events did later, how it ended, and JSON for programs."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.traces import Touched
from demo.walk import Walked

_MARK_WIDTH = 7
_INDENT = " " * (4 + _MARK_WIDTH + 2)
_LONGEST_PROBLEM = 400
_JSON_NAMES = {"edge": "envoy"}


def step_lines(number: int, step: Walked) -> str:
    """A step: what, and - once it was run - over which doors, how long, what it has touched by now."""
    lines = [f"{number:>3} {step.state:<{_MARK_WIDTH}}  {step.name}"]
    if step.milliseconds is not None:
        services = ", ".join(sorted(step.touched.services)) or "no service"
        lines.append(f"{_INDENT}{step.via} · {step.milliseconds:.0f} ms · {services}")
    if step.touched.events:
        lines.append(f"{_INDENT}events: {', '.join(step.touched.events)}")
    return "\n".join(lines)


def later_lines(walked: Sequence[Walked], settled: Mapping[str, Touched]) -> str:
    """What was touched after the line of its step was printed: events are handled in their own time."""
    later = [(number, settled[step.trace_id].beyond(step.touched)) for number, step in enumerate(walked, 1) if step.trace_id]
    return "\n".join(f"{number:>3}{'':<{_MARK_WIDTH + 3}}{touched}" for number, touched in later if touched)


def outcome(walked: Sequence[Walked]) -> str:
    """How it ended, in a sentence."""
    for number, step in enumerate(walked, 1):
        if step.problem:
            problem = textwrap.shorten(step.problem, _LONGEST_PROBLEM, placeholder=" …")
            return f"Step {number} failed, the {len(walked) - number} after it were not run. {step.name}: {problem}"
    if any(step.milliseconds is None for step in walked):
        return "No step was run."
    seconds = sum(step.milliseconds or 0 for step in walked) / 1000
    return f"All {len(walked)} steps held, in {seconds:.1f} s."


def write(
    path: Path, start_seconds: float, resident_mb: Mapping[str, float], walked: Sequence[Walked], settled: Mapping[str, Touched]
) -> None:
    """The figures as JSON, replaced as a whole."""
    figures = {
        "start_seconds": round(start_seconds, 2),
        "resident_mb": {_JSON_NAMES.get(name, name): round(megabytes, 1) for name, megabytes in sorted(resident_mb.items())},
        "steps": [_as_json(step, settled.get(step.trace_id, Touched())) for step in walked],
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    fresh.replace(path)


def _as_json(step: Walked, touched: Touched) -> dict[str, Any]:
    """A step that was not run has taken no time: null."""
    return {
        "name": step.name,
        "via": step.via,
        "ms": None if step.milliseconds is None else round(step.milliseconds, 1),
        "ok": step.state == "ok",
        "state": step.state.lower(),
        "problem": step.problem,
        "trace_id": step.trace_id,
        "services": sorted(touched.services),
        "events": list(touched.events),
    }
