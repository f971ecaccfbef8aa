"""Reviews, their replies, and who may see them."""

from dataclasses import dataclass, replace
from datetime import datetime

from mesh.errors import AlreadyExists, NotAllowedNow, NotFound
from services.user.model.moderation import Action


@dataclass(frozen=True, slots=True)
class SubRatings:
    """Parts of the work, 1 to 5 each; 0 what was not rated."""

    punctuality: int = 0
    quality: int = 0
    communication: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What the subject answered. It never changes."""

    text: str
    reply_time: datetime
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """What one party says of the other; only its author sees it before its publication."""

    review_id: str
    booking_id: str
    author_id: str
    subject_id: str
    stars: int
    comment: str
    sub_ratings: SubRatings = SubRatings()
    publish_time: datetime | None = None
    reply: Reply | None = None
    is_hidden: bool = False

    def is_same_as(self, other: "Review") -> bool:
        """Whether both say the same."""
        return (self.stars, self.comment, self.sub_ratings) == (other.stars, other.comment, other.sub_ratings)

    def require_seen(self) -> None:
        """Raises NotFound (REVIEW_NOT_FOUND) unless it is published and not hidden."""
        if self.publish_time is None or self.is_hidden:
            raise review_not_found()

    def answered(self, subject_id: str, text: str, now: datetime) -> "Review":
        """The review with its subject's reply; itself when it has this one. Raises NotFound, AlreadyExists (REVIEW_ANSWERED)."""
        self.require_seen()
        if subject_id != self.subject_id:
            raise review_not_found()
        if self.reply is None:
            return replace(self, reply=Reply(text, now))
        if self.reply.text != text:
            raise AlreadyExists("REVIEW_ANSWERED", "A review is answered once.")
        return self

    def moderated(self, action: Action) -> "Review":
        """The review after the decision; itself when it is so already. Raises NotFound, NotAllowedNow (REVIEW_NOT_ANSWERED)."""
        if self.publish_time is None:
            raise review_not_found()
        if action is Action.DISMISS_REPORTS:
            return self
        is_hidden = action in (Action.HIDE, Action.HIDE_REPLY)
        if action in (Action.HIDE, Action.RESTORE):
            return self if self.is_hidden is is_hidden else replace(self, is_hidden=is_hidden)
        if self.reply is None:
            raise NotAllowedNow("REVIEW_NOT_ANSWERED", "The review has no reply.")
        return self if self.reply.is_hidden is is_hidden else replace(self, reply=replace(self.reply, is_hidden=is_hidden))


def review_not_found() -> NotFound:
    """The same for one that may not be seen and for none."""
    return NotFound("REVIEW_NOT_FOUND", "There is no such review.")
