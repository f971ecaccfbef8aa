"""Runs every benchmark, each in a process of its own, and gathers what they saved into .local/bench.json."""

import json
import subprocess
import sys

from bench.figures import FOLDER

_BENCHMARKS = ("start", "chain", "edge", "rest", "logins", "events")


def main() -> int:
    """Takes the names of benchmarks; none means all. Returns the exit code."""
    names = sys.argv[1:] or _BENCHMARKS
    for name in names:
        (FOLDER / f"{name}.json").unlink(missing_ok=True)  # what fails now must not show what it saved before
    failed = [name for name in names if subprocess.call([sys.executable, "-m", f"bench.{name}"]) != 0]
    figures = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    target = FOLDER.with_suffix(".json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=1) + "\n")
    print(f"\nThe figures are in {target.relative_to(FOLDER.parent.parent)}.")
    if failed:
        print(f"These benchmarks failed: {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
