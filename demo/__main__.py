"""`make demo`: starts the whole stack anew, seeds it, walks the journey through the edge, says what happened, stops it."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo import report
from demo.journey import STEPS
from demo.journey.scene import Step, open_scene
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


def main(arguments: Sequence[str], steps: Sequence[Step] = STEPS) -> int:
    """Returns the exit code: 0 when every step held, 1 when not, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where demo.json and the stack's folder are made")
    folder = parser.parse_args(arguments).folder
    end_on_signals()
    try:
        return _demonstrate(folder.resolve(), steps)
    except KeyboardInterrupt:
        print("\nInterrupted; everything is stopped.", file=sys.stderr)
        return 130
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _demonstrate(folder: Path, steps: Sequence[Step]) -> int:
    progress = Progress()
    figures = folder / "demo.json"
    figures.unlink(missing_ok=True)
    print("Starting the whole stack on free ports, with nothing stored:", flush=True)
    with local_stack(folder / "demo", fresh=True, progress=progress.part) as stack:
        start_seconds = progress.started()
        journey = asyncio.run(_journey(stack, steps, progress))
        resident_mb = stack.resident_mb()
        crashed = stack.crashed()
        report.write(figures, start_seconds, resident_mb, journey.walked, journey.settled)
        print("Stopping everything.", flush=True)
    for sentence in (*crashed.values(), journey.problem):
        if sentence:
            print(sentence, file=sys.stderr)
    print(
        f"{report.outcome(journey.walked)} {sum(resident_mb.values()):.0f} MB were resident;"
        f" with start and stop it took {progress.seconds:.0f} s."
    )
    print(f"Figures: {shown_path(figures)}. Logs: {shown_path(folder / 'demo' / 'logs')}.")
    return 0 if journey.is_held else 1


async def _journey(stack: Stack, steps: Sequence[Step], progress: Progress) -> Journey:
    traces = Traces({name: stack.log(name) for name in SERVICES if name in stack.parts})
    try:
        await seed(entrance_of(stack), progress.seeded)
    except MeshError as error:
        return Journey(not_run(steps), problem=f"Seeding failed: {error}")
    print(f"Walking {len(steps)} steps through the edge at {stack.addresses.edge}:", flush=True)
    shown: list[Walked] = []

    def tell(step: Walked) -> None:
        shown.append(step)
        print(report.step_lines(len(shown), step), flush=True)

    async with open_scene(doors_of(stack)) as scene:
        walked = await walk(steps, scene, traces, tell)
    settled = await settle(walked, traces)
    for number, step in enumerate(walked[len(shown) :], len(shown) + 1):
        print(report.step_lines(number, step), flush=True)
    if later := report.later_lines(walked, settled):
        print(f"What their events went on to do, after the steps had ended:\n{later}", flush=True)
    return Journey(walked, settled)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
