"""What a process tells of itself without a collector: lines in one form, and spans that cost nothing."""

import logging
import subprocess
import sys
from typing import Any

import pytest
import structlog

from mesh import telemetry
from mesh.call import Call, enter_call
from mesh.telemetry import client_span, describe_exception, is_exporting, span
from mesh.tracing import Trace, current_trace, enter_trace, find_trace, new_trace
from tests.mesh.conftest import Logged
from tests.mesh.living import speak_as_a_library
from tests.mesh.probe import METHODS, World

SECRET = "ada@example.com s3cret"
TRACE = Trace("ab" * 16, "cd" * 8)
log = structlog.get_logger()


def fail(depth: int = 0) -> None:
    """Raises an exception with a cause and a context, all of which say the secret."""
    if depth:
        fail(depth - 1)
    try:
        try:
            raise KeyError(SECRET)
        except KeyError:
            raise OSError(SECRET) from ValueError(SECRET)
    except OSError as error:
        raise RuntimeError(SECRET) from error


def caught(depth: int = 0) -> BaseException:
    with pytest.raises(RuntimeError) as raised:
        fail(depth)
    return raised.value


def test_a_line_carries_service_level_and_time(logged: Logged) -> None:
    log.info("it happened", number=1)
    (line,) = logged.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "it happened", "number": 1, "service": "probe", "level": "info"}


async def test_a_line_carries_the_trace_and_the_account_of_its_call(logged: Logged, world: World) -> None:
    account = world.signer.account("customer")
    enter_trace(TRACE)
    enter_call(Call(METHODS["Read"], None, {}, TRACE, account=account))  # type: ignore[arg-type]
    log.info("it happened")
    (line,) = logged.lines
    assert (line["trace_id"], line["account_id"]) == (TRACE.trace_id, account.account_id)
    assert account.token not in logged.text


def test_of_an_exception_types_and_places_are_logged_and_no_text(logged: Logged) -> None:
    log.error("it failed", exc_info=caught())
    try:
        fail()
    except RuntimeError:
        log.exception("it failed")
    for line in logged.lines:
        assert line["exception"] == "RuntimeError from OSError from ValueError"
        assert line["frames"][-1].rpartition(" ")[2] == "fail"
        assert __file__ in line["frames"][-1]
    assert "s3cret" not in logged.text


def test_a_long_and_a_circular_exception_are_described_in_bounds() -> None:
    described: dict[str, Any] = describe_exception(caught(depth=100))
    assert len(described["frames"]) == 30
    error = RuntimeError()
    error.__context__ = KeyError()
    error.__context__.__context__ = error
    assert str(describe_exception(error)["exception"]).count("RuntimeError") == 15


def test_what_libraries_log_has_the_same_form_and_none_of_the_values(logged: Logged) -> None:
    speak_as_a_library(SECRET)
    assert [(line["event"], line["level"], line["logger"]) for line in logged.lines] == [
        ("sent to %s", "warning", "library"),
        ("nearly an error %(text)s", "warning", "library"),
        ("it failed", "error", "library"),
        ("RuntimeError", "error", "library"),
    ]
    assert logged.lines[2]["exception"] == "RuntimeError from OSError"
    assert "s3cret" not in logged.text


@pytest.mark.parametrize("level", [31, logging.ERROR, 49, logging.CRITICAL, 1000])
def test_a_library_may_have_levels_of_its_own(logged: Logged, level: int) -> None:
    logging.getLogger("library").log(level, "said")
    assert [line["event"] for line in logged.lines] == ["said"]


def test_what_libraries_say_below_warning_is_not_logged(logged: Logged) -> None:
    logging.getLogger("library").info("said")
    assert not logged.text


def test_without_a_collector_what_makes_and_sends_spans_is_not_loaded() -> None:
    # redis-py loads the SDK's metrics by itself wherever the SDK is installed.
    unwanted = ("mesh.exporting", "opentelemetry.exporter", "opentelemetry.instrumentation", "opentelemetry.sdk.trace")
    code = f"import mesh.runtime, sys; sys.exit(any(name.startswith({unwanted}) for name in sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(filter(None, sys.path))}, check=False)
    assert found.returncode == 0


async def test_without_a_collector_a_span_is_its_parents_trace() -> None:
    assert not is_exporting()
    enter_trace(TRACE)
    other = new_trace()
    with span("work", "internal", other) as inside:
        assert inside is other is current_trace()
    assert find_trace() is TRACE
    with span("work", "internal") as inside:
        assert inside is TRACE
    with client_span("/a/b") as nothing:
        assert nothing is None
    with pytest.raises(RuntimeError, match="nothing is exported"):
        telemetry.begin_span("work", "internal", TRACE)
