"""What a trace has touched, read out of logs while they are written."""

import json
from pathlib import Path

from demo.traces import Touched, Traces

ONE, OTHER = "1" * 32, "2" * 32


def line(trace_id: str, **more: str) -> str:
    return json.dumps({"event": "call served", "trace_id": trace_id, **more}) + "\n"


def handled(trace_id: str, kind: str) -> str:
    return line(trace_id, event="event handled", type=f"marketplace.booking.v1.{kind}")


def test_services_and_events_are_told_by_trace(tmp_path: Path) -> None:
    logs = {name: tmp_path / f"{name}.log" for name in ("booking", "chat")}
    traces = Traces(logs)
    logs["booking"].write_text(line(ONE) + line(OTHER))
    logs["chat"].write_text(handled(ONE, "OfferMade") + handled(ONE, "BookingConfirmed") + handled(ONE, "OfferMade"))
    assert traces.touched_by(ONE) == Touched({"booking", "chat"}, {"OfferMade": None, "BookingConfirmed": None})
    assert traces.touched_by(OTHER) == Touched({"booking"})
    assert not traces.touched_by("3" * 32)


def test_only_what_is_logged_from_now_on_counts_and_a_line_counts_once_it_is_complete(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text(line(ONE))
    traces = Traces({"auth": log})
    whole = handled(OTHER, "AccountRegistered")
    with log.open("a") as file:
        file.write(whole[:20])
        file.flush()
        assert not traces.touched_by(OTHER)
        file.write(whole[20:])
    assert list(traces.touched_by(OTHER).events) == ["AccountRegistered"]
    assert not traces.touched_by(ONE)


def test_lines_that_belong_to_no_trace_are_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    traces = Traces({"auth": log, "never": tmp_path / "never.log"})
    log.write_text('plain words\n{"event": "serving"}\n["trace_id"]\n' + line(ONE))
    assert traces.touched_by(ONE).services == {"auth"}


def test_what_came_later_is_told_apart_and_what_was_told_does_not_change(tmp_path: Path) -> None:
    log = tmp_path / "user.log"
    traces = Traces({"user": log})
    log.write_text(handled(ONE, "A"))
    earlier = traces.touched_by(ONE)
    log.write_text(handled(ONE, "A") + handled(ONE, "B"))
    assert str(traces.touched_by(ONE).beyond(earlier)) == "events: B"
    assert str(earlier) == "user · events: A"
