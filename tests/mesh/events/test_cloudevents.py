"""The headers of a record say all that its value does not, and are read strictly."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mesh.events.cloudevents import Envelope, MalformedRecordError, from_headers, to_headers

ENVELOPE = Envelope(
    event_id="evt_1",
    type_name="marketplace.user.v1.ProfileChanged",
    source="user",
    occurred_time=datetime(2026, 11, 24, 10, 30, 0, 250_000, tzinfo=UTC),
    traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
)
HEADERS = {
    "ce_specversion": b"1.0",
    "ce_id": b"evt_1",
    "ce_type": b"marketplace.user.v1.ProfileChanged",
    "ce_source": b"/marketplace/user",
    "ce_time": b"2026-11-24T10:30:00.250Z",
    "content-type": b"application/protobuf",
    "traceparent": f"00-{'a' * 32}-{'b' * 16}-01".encode(),
}


def test_headers_are_those_of_the_binary_mode() -> None:
    assert dict(to_headers(ENVELOPE)) == HEADERS


def test_what_was_written_is_read() -> None:
    assert from_headers(to_headers(ENVELOPE)) == ENVELOPE


def test_times_are_written_in_utc() -> None:
    local = Envelope("e", "t", "s", datetime(2026, 11, 24, 7, 30, tzinfo=timezone(timedelta(hours=-3))), "")
    assert dict(to_headers(local))["ce_time"] == b"2026-11-24T10:30:00.000Z"


def test_what_others_add_is_passed_over_and_a_trace_may_be_missing() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "traceparent"} | {"ce_subject": b"x", "own": b"1"}
    assert from_headers(headers.items()).traceparent == ""


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers = [(each, value) for each, value in HEADERS.items() if each != name]
    with pytest.raises(MalformedRecordError, match=f"the header '{name}' is missing"):
        from_headers(headers)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("ce_time", b"yesterday", "a header is not readable"),
        ("ce_id", b"\xff\xfe", "a header is not readable"),
        ("ce_specversion", b"2.0", r"the header 'ce_specversion' is not 1\.0"),
    ],
)
def test_a_header_that_is_wrong_is_refused(name: str, value: bytes, sentence: str) -> None:
    with pytest.raises(MalformedRecordError, match=sentence):
        from_headers((HEADERS | {name: value}).items())
