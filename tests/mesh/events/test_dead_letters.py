"""A dead letter keeps the record, tells its story, and can go back to the one who failed at it."""

import pytest

from mesh.events import dead_letters
from mesh.events.broker import Record
from mesh.events.cloudevents import MalformedRecordError, from_headers
from mesh.events.dead_letters import DeadLetterLimit, ReceivedRecord, TooManyDeadLettersError, bury, read, revive
from tests.mesh.events.flow import Publisher
from tests.mesh.events.records import WHEN, record_of
from tests.mesh.moving import MovedTime


@pytest.fixture
def record(publisher: Publisher) -> ReceivedRecord:
    made = record_of(publisher, "a", 1)
    return ReceivedRecord("marketplace.x.v1", 2, 40, made.key, made.value, made.headers)


def lying(record: Record) -> ReceivedRecord:
    return ReceivedRecord(record.topic, 0, 7, record.key, record.value, record.headers)


def test_a_letter_is_the_record_with_its_story(record: ReceivedRecord) -> None:
    letter = bury(record, "user/note", "ValueError: no such thing", WHEN)
    assert (letter.topic, letter.key, letter.value) == ("marketplace.x.v1.dead", record.key, record.value)
    assert [header for header in letter.headers if header in record.headers] == record.headers
    found = read(lying(letter))
    assert (found.cause, found.handler) == ("ValueError: no such thing", "user/note")
    assert (found.topic, found.partition, found.offset) == ("marketplace.x.v1", 2, 40)
    assert found.time == "2026-11-24T10:30:00.250+00:00"


def test_a_record_without_key_and_value_and_a_cause_without_end_make_a_letter_too() -> None:
    letter = bury(ReceivedRecord("t", 0, 0, None, None, []), "user/", "x" * 10_000, WHEN)
    assert (letter.key, letter.value) == (b"", b"")
    assert read(lying(letter)).cause == "x" * 500


def test_a_letter_goes_back_as_the_same_event_to_the_one_who_failed(record: ReceivedRecord) -> None:
    again = revive(read(lying(bury(record, "user/note", "cause", WHEN))))
    assert (again.topic, again.key, again.value) == ("marketplace.x.v1", record.key, record.value)
    assert from_headers(again.headers).only_handler == "user/note"
    assert from_headers(again.headers).event_id == from_headers(record.headers).event_id
    assert not [name for name, _ in again.headers if name.startswith("dead_")]


def test_a_letter_that_fails_again_names_the_one_who_failed_last_and_one_story(record: ReceivedRecord) -> None:
    again = revive(read(lying(bury(record, "user/note", "first", WHEN))))
    twice = bury(ReceivedRecord(again.topic, 1, 90, again.key, again.value, again.headers), "user/note", "second", WHEN)
    assert [value for name, value in twice.headers if name == "dead_cause"] == [b"second"]
    assert read(lying(twice)).offset == 90
    assert "mesh_handler" not in dict(twice.headers)


@pytest.mark.parametrize(
    "name, value, sentence",
    [
        ("dead_handler", None, "dead_handler is missing"),
        ("dead_offset", b"first", "not readable"),
        ("dead_cause", b"\xff", "not readable"),
    ],
)
def test_a_record_that_is_no_letter_is_told_from_one(
    record: ReceivedRecord, name: str, value: bytes | None, sentence: str
) -> None:
    headers = dict(bury(record, "user/note", "cause", WHEN).headers)
    headers = {each: kept for each, kept in headers.items() if each != name} | ({name: value} if value is not None else {})
    with pytest.raises(MalformedRecordError, match=sentence):
        read(ReceivedRecord("t.dead", 0, 0, b"", b"", list(headers.items())))


def test_more_letters_than_the_window_may_hold_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = MovedTime()
    monkeypatch.setattr(dead_letters, "time", moved)
    limit = DeadLetterLimit(most=3, window_seconds=60)
    for _ in range(3):
        limit.count()
    with pytest.raises(TooManyDeadLettersError, match="more than 3 dead letters in 60 seconds"):
        limit.count()
    moved.ahead = 61
    for _ in range(3):
        limit.count()
    with pytest.raises(TooManyDeadLettersError):
        limit.count()
