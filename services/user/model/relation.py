"""What one person has made of another: a favourite, or blocked."""

from dataclasses import dataclass, replace
from datetime import datetime

from mesh.errors import InvalidInput, LimitReached

MOST_BLOCKS = 500


@dataclass(frozen=True, slots=True)
class Favourite:
    """A provider whom a person wants to find again."""

    account_id: str
    provider_id: str
    add_time: datetime


@dataclass(frozen=True, slots=True)
class Block:
    """Whether one blocks another, since when, and how often that has changed. It is kept when it ends, for the count to go on."""

    blocker_id: str
    blocked_id: str
    is_blocked: bool
    change_time: datetime
    revision: int = 0

    def changed(self, *, is_blocked: bool, now: datetime) -> "Block":
        """The block, or its end, from now on; itself when it is so already."""
        if self.is_blocked is is_blocked:
            return self
        return replace(self, is_blocked=is_blocked, change_time=now, revision=self.revision + 1)


def check_block(blocker_id: str, blocked_id: str, held: int) -> None:
    """Raises InvalidInput (BLOCK_OF_SELF), LimitReached (BLOCK_LIMIT_REACHED) when so many blocks are held already."""
    if blocker_id == blocked_id:
        raise InvalidInput("BLOCK_OF_SELF", "Nobody can block themselves.")
    if held >= MOST_BLOCKS:
        raise LimitReached("BLOCK_LIMIT_REACHED", f"A person blocks at most {MOST_BLOCKS} others.")
