"""Sending, reading and following a conversation."""

from collections.abc import AsyncGenerator

from mesh.clock import Clock
from mesh.ids import derived_id
from services.chat.model import Message, person_blocked
from services.chat.ports import Bell, Blocks, Bookings, Messages

_READ_AT_ONCE = 200


class ChatWorkflows:
    """The use cases of chat."""

    def __init__(self, messages: Messages, blocks: Blocks, bookings: Bookings, bell: Bell, clock: Clock) -> None:
        self._messages = messages
        self._blocks = blocks
        self._bookings = bookings
        self._bell = bell
        self._clock = clock

    async def send(self, booking_id: str, sender_id: str, client_message_id: str, text: str) -> Message:
        """The message, which is the first one's when the client sends it again.

        Raises NotFound, Conflict (MESSAGE_ID_REUSED), NotAllowedNow (PERSON_BLOCKED).
        """
        recipient_id = (await self._bookings.parties(booking_id)).other_than(sender_id)
        message_id = derived_id("msg", booking_id, sender_id, client_message_id)

        async def take() -> Message:
            known = await self._messages.find(message_id)
            if known is not None:
                known.require_same_text(text)
                return known
            if await self._blocks.is_between(sender_id, recipient_id):
                raise person_blocked()
            message = Message(
                message_id=message_id,
                booking_id=booking_id,
                sequence=await self._messages.last_sequence(booking_id) + 1,
                sender_id=sender_id,
                recipient_id=recipient_id,
                text=text,
                client_message_id=client_message_id,
                send_time=self._clock.now(),
            )
            await self._messages.add(message)
            return message

        message = await self._messages.transaction(take)
        await self._bell.ring(booking_id)
        return message

    async def list_after(self, booking_id: str, reader_id: str, sequence: int, limit: int) -> list[Message]:
        """The messages after a number, oldest first. Raises NotFound (CONVERSATION_NOT_FOUND)."""
        (await self._bookings.parties(booking_id)).other_than(reader_id)
        return await self._messages.after(booking_id, sequence, limit)

    async def follow(self, booking_id: str, reader_id: str, sequence: int) -> AsyncGenerator[Message]:
        """Every message after a number exactly once, those that are there and those that come. Raises NotFound."""
        (await self._bookings.parties(booking_id)).other_than(reader_id)
        with self._bell.listen(booking_id) as listener:
            while True:
                messages = await self._messages.after(booking_id, sequence, _READ_AT_ONCE)
                for message in messages:
                    yield message
                    sequence = message.sequence
                if not messages:
                    await listener.wait()
