"""Documents that prove something: decided about by administrators, watched until they expire."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from mesh.errors import InvalidInput, LimitReached, NotAllowedNow, NotFound

IDENTITY = "IDENTITY"
MOST_SUBMITTED = 10
REMINDERS = (timedelta(days=30), timedelta(days=7))
"""How long before a document expires its owner is told, the earliest first."""


class State(StrEnum):
    """How far a document has come."""

    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `reminders` counts those that were told; `check_time` is when there is something to do, None for never."""

    document_id: str
    account_id: str
    kind: str
    reference: str
    submit_time: datetime
    expire_time: datetime | None = None
    state: State = State.SUBMITTED
    decision_time: datetime | None = None
    decision_reason: str = ""
    decided_by: str = ""
    reminders: int = 0
    check_time: datetime | None = None
    version: int = 0

    def decided(self, *, is_approved: bool, reason: str, by: str, now: datetime) -> "Document":
        """The document after the decision; itself when it is so already.

        Raises NotAllowedNow: DOCUMENT_EXPIRED, DOCUMENT_DECIDED when it was rejected before.
        """
        state = State.APPROVED if is_approved else State.REJECTED
        if self.state is state:
            return self
        if self.state is State.EXPIRED or self.is_over(now):
            raise NotAllowedNow("DOCUMENT_EXPIRED", "The document's time is over.")
        if self.state is State.REJECTED:
            raise NotAllowedNow("DOCUMENT_DECIDED", "The document was rejected; only another one can be approved.")
        decided = replace(self, state=state, decision_time=now, decision_reason=reason, decided_by=by)
        return replace(decided, check_time=decided._next_check())

    def checked(self, now: datetime) -> "Document":
        """The document with what is due by now: expired, or one more reminder. Of several that are due, only the last is told."""
        if self.state not in (State.SUBMITTED, State.APPROVED) or self.expire_time is None:
            return replace(self, check_time=None)
        if self.is_over(now):
            return replace(self, state=State.EXPIRED, check_time=None)
        due = sum(now >= self.expire_time - before for before in REMINDERS) if self.state is State.APPROVED else 0
        checked = replace(self, reminders=max(due, self.reminders))
        return replace(checked, check_time=checked._next_check())

    def is_over(self, now: datetime) -> bool:
        """Whether it has expired by now."""
        return self.expire_time is not None and now >= self.expire_time

    def _next_check(self) -> datetime | None:
        if self.expire_time is None or self.state not in (State.SUBMITTED, State.APPROVED):
            return None
        is_watched = self.state is State.APPROVED and self.reminders < len(REMINDERS)
        return self.expire_time - REMINDERS[self.reminders] if is_watched else self.expire_time


def submitted(document: Document, waiting: int) -> Document:
    """The document, checked. Raises InvalidInput (EXPIRY_IN_PAST), LimitReached (DOCUMENT_LIMIT_REACHED)."""
    if document.is_over(document.submit_time):
        raise InvalidInput("EXPIRY_IN_PAST", "The document has expired already.")
    if waiting >= MOST_SUBMITTED:
        raise LimitReached("DOCUMENT_LIMIT_REACHED", f"At most {MOST_SUBMITTED} documents wait for a decision.")
    return replace(document, check_time=document.expire_time)


def proves_identity(documents: Iterable[Document]) -> bool:
    """Whether one of these holds and proves who its owner is."""
    return any(each.kind == IDENTITY and each.state is State.APPROVED for each in documents)


def document_not_found() -> NotFound:
    """There is none."""
    return NotFound("DOCUMENT_NOT_FOUND", "There is no such document.")
