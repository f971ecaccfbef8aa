"""`make demo`: starts the whole stack anew, seeds it, walks the journey through the edge, says what happened, stops it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo import report
from demo.journey import STEPS
from demo.journey.scene import Doors, Step, open_scene
from demo.progress import Progress
from demo.seed import seed
from demo.signals import end_on_signals
from demo.stack import LOCAL, doors_of, entrance_of, local_stack, shown_path
from demo.traces import Touched, Traces
from demo.walk import Walked, not_run, settle, walk
from mesh.errors import MeshError
from mesh.local.stack import SERVICES, Stack, StackError


@dataclass
class Journey:
    """How the steps went, what each trace has touched in the end, and what else went wrong."""

    walked: list[Walked]
    settled: dict[str, Touched] = field(default_factory=dict)
    problem: str = ""

    @property
    def is_held(self) -> bool:
        """Whether every step was run and held."""
        return not self.problem and all(step.state == "ok" for step in self.walked)


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code: 0 when every step held, 1 when not, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where demo.json and the stack's folder are made")
    folder = parser.parse_args(arguments).folder.resolve()
    end_on_signals()
    try:
        return demonstrate(folder)
    except KeyboardInterrupt:
        print("\nInterrupted; everything is stopped.", file=sys.stderr)
        return 130
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def demonstrate(folder: Path) -> int:
    """The whole demo. Returns the exit code. Raises StackError when the stack cannot start."""
    progress = Progress()
    figures = folder / "demo.json"
    figures.unlink(missing_ok=True)
    print("Starting the whole stack on free ports, with nothing stored:", flush=True)
    with local_stack(folder / "demo", fresh=True, progress=progress.part) as stack:
        start_seconds = progress.started()
        traces = Traces({name: stack.log(name) for name in SERVICES})
        journey = asyncio.run(_seed_and_travel(stack, traces, progress))
        resident_mb = stack.resident_mb()
        deaths = stack.crashed()
        report.write(figures, start_seconds, resident_mb, journey.walked, journey.settled)
        print("Stopping everything.", flush=True)
    for sentence in filter(None, (*deaths.values(), journey.problem)):
        print(sentence, file=sys.stderr)
    print(report.outcome(journey.walked))
    print(f"{sum(resident_mb.values()):.0f} MB were resident. With start, seeding and stop it took {progress.seconds:.0f} s.")
    print(f"Figures: {shown_path(figures)}. Logs: {shown_path(folder / 'demo' / 'logs')}.")
    return 0 if journey.is_held else 1


async def _seed_and_travel(stack: Stack, traces: Traces, progress: Progress) -> Journey:
    try:
        await seed(entrance_of(stack), progress.seeded)
    except MeshError as error:
        return Journey(not_run(STEPS), problem=f"Seeding failed: {error}")
    print(f"Walking {len(STEPS)} steps through the edge at {stack.addresses.edge}:", flush=True)
    return await travel(STEPS, doors_of(stack), traces)


async def travel(steps: Sequence[Step], doors: Doors, traces: Traces) -> Journey:
    """Walks the steps and prints each as it ends, then what was not run, then what events went on to do."""
    shown = 0

    def tell(step: Walked) -> None:
        nonlocal shown
        shown += 1
        print(report.step_lines(shown, step), flush=True)

    async with open_scene(doors) as scene:
        walked = await walk(steps, scene, traces, tell)
    for step in walked[shown:]:
        tell(step)
    settled = await settle(walked, traces)
    if later := report.later_lines(walked, settled):
        print(f"What their events went on to do after the steps had ended:\n{later}", flush=True)
    return Journey(walked, settled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
