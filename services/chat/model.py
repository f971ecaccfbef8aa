"""Messages and their rules. Pure."""

from dataclasses import dataclass
from datetime import datetime

from mesh.errors import Conflict, NotAllowedNow, NotFound


@dataclass(frozen=True, slots=True)
class Parties:
    """The two who talk."""

    customer_id: str
    provider_id: str

    def other_than(self, account_id: str) -> str:
        """The other one. Raises NotFound (CONVERSATION_NOT_FOUND) for anybody else."""
        parties = {self.customer_id: self.provider_id, self.provider_id: self.customer_id}
        if account_id not in parties:
            raise conversation_not_found()
        return parties[account_id]


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `sequence` counts 1, 2, 3 … within the booking's conversation."""

    message_id: str
    booking_id: str
    sequence: int
    sender_id: str
    recipient_id: str
    text: str
    client_message_id: str
    send_time: datetime

    def require_same_text(self, text: str) -> None:
        """Raises Conflict (MESSAGE_ID_REUSED) when the client's id was used for another text."""
        if self.text != text:
            raise Conflict("MESSAGE_ID_REUSED", "This message id was used for another text.")


def conversation_not_found() -> NotFound:
    """The same for a stranger's conversation and for none."""
    return NotFound("CONVERSATION_NOT_FOUND", "There is no such conversation.")


def person_blocked() -> NotAllowedNow:
    """The same for who has blocked and for who is blocked."""
    return NotAllowedNow("PERSON_BLOCKED", "These two cannot write to each other.")
