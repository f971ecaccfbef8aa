"""The walk, with steps that succeed, fail and break: what is told of each, and that nothing goes on after a failure."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from demo import report
from demo.__main__ import Journey, travel
from demo.journey.scene import Doors, Scene, Step, StepFailed, expect
from demo.traces import Traces
from demo.walk import Walked, not_run
from mesh.local.certificates import Certificate
from mesh.tracing import current_trace

NOWHERE = Path("nowhere")
DOORS = Doors("http://127.0.0.1:1", "ws://127.0.0.1:1", "http://127.0.0.1:1", "", "", "", Certificate(NOWHERE, NOWHERE, NOWHERE))
KEYS = {"name", "via", "ms", "ok"}


async def hold(_scene: Scene) -> None:
    await asyncio.sleep(0)


async def fail(_scene: Scene) -> None:
    expect(False, "the slot is free")


def steps(*walks: Callable[[Scene], Awaitable[None]]) -> list[Step]:
    return [Step(f"Step of {walk.__name__}", "REST", walk) for walk in walks]


async def test_every_step_has_a_trace_of_its_own_and_says_what_it_touched_then_and_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "booking.log"
    seen: list[str] = []

    def write(**entry: str) -> None:
        with log.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    async def serve(_scene: Scene) -> None:
        seen.append(current_trace().trace_id)
        write(event="call served", trace_id=seen[-1])

    async def serve_what_is_handled_late(scene: Scene) -> None:
        write(event="event handled", type="a.b.OfferMade", trace_id=seen[0])
        await serve(scene)

    journey = await travel(steps(serve, serve_what_is_handled_late, hold), DOORS, Traces({"booking": log}))
    assert journey.is_held
    assert [step.trace_id for step in journey.walked[:2]] == seen
    assert len({step.trace_id for step in journey.walked}) == 3
    assert [sorted(step.touched.services) for step in journey.walked] == [["booking"], ["booking"], []]
    shown, later = capsys.readouterr().out.split("What their events went on to do after the steps had ended:\n")
    assert "  1 ok       Step of serve\n             REST · " in shown
    assert "ms · no service" in shown
    assert later == "  1          events: OfferMade\n"
    assert list(journey.settled[seen[0]].events) == ["OfferMade"]


async def test_after_a_failed_step_the_rest_is_not_run_and_all_of_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journey = await travel(steps(hold, fail, hold, hold), DOORS, Traces({}))
    assert not journey.is_held
    assert [step.state for step in journey.walked] == ["ok", "FAILED", "not run", "not run"]
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("     ")]
    assert lines == [
        "  1 ok       Step of hold",
        "  2 FAILED   Step of fail",
        "  3 not run  Step of hold",
        "  4 not run  Step of hold",
    ]
    assert report.outcome(journey.walked) == "Step 2 failed, the 2 after it were not run. Step of fail: not so: the slot is free"
    report.write(tmp_path / "demo.json", 9.123, {"auth": 80.04, "edge": 70.0}, journey.walked, journey.settled)
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert figures.keys() == {"start_seconds", "resident_mb", "steps"}
    assert (figures["start_seconds"], figures["resident_mb"]) == (9.12, {"auth": 80.0, "envoy": 70.0})
    assert all(step.keys() >= KEYS for step in figures["steps"])
    assert [step["ok"] for step in figures["steps"]] == [True, False, False, False]
    assert [step["ms"] is None for step in figures["steps"]] == [False, False, True, True]
    assert figures["steps"][1]["problem"] == "not so: the slot is free"


@pytest.mark.parametrize(
    "error, sentence",
    [
        (StepFailed("not so:\n  two  lines"), "not so: two lines"),
        (KeyError("booking"), "KeyError: 'booking'"),
        (ValueError(), "ValueError."),
        (TimeoutError(), "it took longer than 90 s."),
        (TimeoutError("no live event came"), "TimeoutError: no live event came"),
    ],
)
async def test_whatever_a_step_raises_becomes_one_sentence(error: Exception, sentence: str) -> None:
    async def break_down(_scene: Scene) -> None:
        raise error

    (step,) = (await travel(steps(break_down), DOORS, Traces({}))).walked
    assert (step.state, step.problem) == ("FAILED", sentence)


def test_a_long_problem_is_cut_where_people_read_it() -> None:
    step = Walked("A", "REST", "FAILED", 1.0, problem="last seen: " + "word " * 1000)
    assert len(report.outcome([step])) < 500
    assert report.outcome([step]).endswith(" …")


def test_a_journey_that_was_not_walked_did_not_hold() -> None:
    walked = not_run(steps(hold, hold))
    assert report.outcome(walked) == "No step was run."
    assert not Journey(walked, problem="Seeding failed.").is_held
    assert report.step_lines(12, walked[0]) == " 12 not run  Step of hold"


def test_a_journey_that_held_says_how_long_it_took() -> None:
    walked = [Walked("A", "REST", "ok", 1000.0), Walked("B", "REST", "ok", 500.0)]
    assert Journey(walked).is_held
    assert report.outcome(walked) == "All 2 steps held, in 1.5 s."
