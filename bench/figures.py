"""How benchmarks tell their figures: a table to read, and JSON under .local/bench for programs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".local" / "bench"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of the values do not exceed. Raises IndexError when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def table(title: str, rows: Mapping[str, str]) -> None:
    """Prints one row a line."""
    width = max(len(name) for name in rows)
    print(f"\n{title}")
    for name, value in rows.items():
        print(f"  {name:<{width}}  {value}")


def save(name: str, figures: Mapping[str, float]) -> None:
    """Writes .local/bench/<name>.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
