"""Reports of reviews, and what administrators decide."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """A decision about a review."""

    HIDE = "HIDE"
    RESTORE = "RESTORE"
    HIDE_REPLY = "HIDE_REPLY"
    RESTORE_REPLY = "RESTORE_REPLY"
    DISMISS_REPORTS = "DISMISS_REPORTS"


CLOSES_REPORTS = frozenset({Action.HIDE, Action.HIDE_REPLY, Action.DISMISS_REPORTS})


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody said of a review; open until it is decided about."""

    report_id: str
    review_id: str
    reporter_id: str
    reason: str
    note: str
    report_time: datetime


@dataclass(frozen=True, slots=True)
class Moderation:
    """One decision; it is only ever added."""

    moderation_id: str
    review_id: str
    action: Action
    reason: str
    moderator_id: str
    moderation_time: datetime
