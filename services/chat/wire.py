"""Messages as the contract writes them."""

from marketplace.chat.v1 import chat_service_pb2 as pb
from marketplace.chat.v1.events_pb2 import MessageSent

from services.chat.model import Message


def message_to_wire(message: Message) -> pb.ChatMessage:
    """A message as its readers see it."""
    wire = pb.ChatMessage(
        message_id=message.message_id,
        booking_id=message.booking_id,
        sequence=message.sequence,
        sender_id=message.sender_id,
        text=message.text,
        client_message_id=message.client_message_id,
    )
    wire.send_time.FromDatetime(message.send_time)
    return wire


def message_sent(message: Message) -> MessageSent:
    """Tells of a message, without its text."""
    event = MessageSent(
        booking_id=message.booking_id,
        message_id=message.message_id,
        sequence=message.sequence,
        sender_id=message.sender_id,
        recipient_id=message.recipient_id,
    )
    event.send_time.FromDatetime(message.send_time)
    return event
