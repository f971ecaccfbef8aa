"""A document from its submission to its end."""

from datetime import UTC, datetime, timedelta

import pytest

from mesh.errors import InvalidInput, LimitReached, NotAllowedNow
from services.user.model.document import MOST_SUBMITTED, Document, State, proves_identity, submitted

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def document(days: int | None = 100, kind: str = "IDENTITY") -> Document:
    expire_time = None if days is None else NOW + days * DAY
    return submitted(Document("doc", "acc", kind, "key", NOW, expire_time), 0)


def approved(days: int | None = 100, kind: str = "IDENTITY", now: datetime = NOW) -> Document:
    return document(days, kind).decided(is_approved=True, reason="Clear.", by="acc_admin", now=now)


def test_its_owner_is_reminded_once_within_thirty_days_and_once_within_seven_then_it_expires() -> None:
    watched, told = approved(), []
    while watched.check_time is not None:
        now = watched.check_time
        watched = watched.checked(now)
        assert watched.checked(now) == watched, "a second look changes nothing"
        told.append(((now - NOW).days, watched.reminders, watched.state))
    assert told == [(70, 1, State.APPROVED), (93, 2, State.APPROVED), (100, 2, State.EXPIRED)]


def test_what_is_approved_late_has_one_reminder_at_once_and_not_two() -> None:
    late = approved(5)
    assert late.check_time is not None
    assert late.check_time <= NOW
    assert (late.checked(NOW).reminders, late.checked(NOW).check_time) == (2, NOW + 5 * DAY)


@pytest.mark.parametrize("days, reminders", [(31, 0), (30, 1), (8, 1), (7, 2), (1, 2)])
def test_reminders_are_due_on_the_day(days: int, reminders: int) -> None:
    assert approved(days).checked(NOW).reminders == reminders


def test_what_holds_for_ever_is_never_looked_at() -> None:
    assert approved(None).check_time is None


def test_what_nobody_decided_about_expires_without_reminders() -> None:
    waiting = document(3)
    assert waiting.check_time == NOW + 3 * DAY
    assert waiting.checked(NOW + 3 * DAY).state is State.EXPIRED


def test_an_approved_document_can_be_rejected_and_a_rejected_one_not_be_approved() -> None:
    rejected = approved().decided(is_approved=False, reason="Forged.", by="acc_admin", now=NOW)
    assert (rejected.state, rejected.check_time, rejected.decision_reason) == (State.REJECTED, None, "Forged.")
    with pytest.raises(NotAllowedNow) as refusal:
        rejected.decided(is_approved=True, reason="No.", by="acc_admin", now=NOW)
    assert refusal.value.reason == "DOCUMENT_DECIDED"


def test_the_same_decision_again_is_none() -> None:
    once = approved()
    assert once.decided(is_approved=True, reason="Other words.", by="acc_other", now=NOW) is once


def test_what_has_expired_is_not_decided_about() -> None:
    for expired in (document(3).checked(NOW + 3 * DAY), document(3)):
        with pytest.raises(NotAllowedNow) as refusal:
            expired.decided(is_approved=True, reason="Late.", by="acc_admin", now=NOW + 3 * DAY)
        assert refusal.value.reason == "DOCUMENT_EXPIRED"


def test_what_has_expired_or_is_one_too_many_is_not_taken() -> None:
    with pytest.raises(InvalidInput) as expired:
        document(0)
    assert expired.value.reason == "EXPIRY_IN_PAST"
    with pytest.raises(LimitReached) as full:
        submitted(Document("doc", "acc", "IDENTITY", "key", NOW), MOST_SUBMITTED)
    assert full.value.reason == "DOCUMENT_LIMIT_REACHED"


@pytest.mark.parametrize(
    "found, is_proved",
    [
        ([], False),
        ([document()], False),
        ([approved(kind="INSURANCE")], False),
        ([document(), approved()], True),
        ([approved(1).checked(NOW + DAY)], False),
    ],
)
def test_identity_is_proved_by_an_approved_document_that_holds(found: list[Document], is_proved: bool) -> None:
    assert proves_identity(found) is is_proved
