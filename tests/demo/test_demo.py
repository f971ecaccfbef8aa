"""`python -m demo` as a user starts it."""

import fcntl
import json
from pathlib import Path

import pytest

from demo.journey import STEPS
from mesh.local.stack import SERVICES
from tests.demo.processes import expect_nothing_left, program, read_to_the_end

INFRASTRUCTURE = {"broker", "cache", "database", "envoy", "ratelimit", "simulators"}


@pytest.mark.timeout(300)
def test_the_whole_journey_holds_and_nothing_is_left_running(tmp_path: Path) -> None:
    with program("demo", tmp_path) as process:
        shown = read_to_the_end(process)
    assert process.returncode == 0, shown
    expect_nothing_left(tmp_path)
    figures = json.loads((tmp_path / "demo.json").read_text())
    assert 0 < figures["start_seconds"] < 120
    assert figures["resident_mb"].keys() == INFRASTRUCTURE | set(SERVICES)
    assert all(megabytes > 1 for megabytes in figures["resident_mb"].values())
    told = [(step["name"], step["via"], step["ok"]) for step in figures["steps"]]
    assert told == [(step.name, step.via, True) for step in STEPS]
    assert all(step["ms"] > 0 and step["services"] for step in figures["steps"])
    assert {service for step in figures["steps"] for service in step["services"]} == set(SERVICES)
    assert {"AccountRegistered", "OfferMade", "BookingConfirmed"} <= {
        name for step in figures["steps"] for name in step["events"]
    }
    for part in ("Seeding 211 people", f" {len(STEPS)} ok ", f"All {len(STEPS)} steps held", "MB were resident"):
        assert part in shown


def test_a_demo_that_runs_already_is_told_in_a_sentence_and_the_old_figures_are_not_taken_for_new_ones(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo.json").write_text("{}")
    with (tmp_path / "demo" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with program("demo", tmp_path) as process:
            shown = read_to_the_end(process)
    assert process.returncode == 1
    assert shown.endswith(f"\nThe stack in {tmp_path / 'demo'} is running already: stop it first.\n")
    assert not (tmp_path / "demo.json").exists()
    expect_nothing_left(tmp_path)
