"""A conversation that can begin, in a chat whose booking knows one booking."""

from dataclasses import dataclass
from typing import Any

import grpc
from marketplace.booking.v1 import booking_service_pb2 as bookings_pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceServicer
from marketplace.chat.v1 import chat_service_pb2 as pb
from marketplace.chat.v1.chat_service_pb2_grpc import ChatServiceStub

from mesh.call import Account
from mesh.errors import NotFound
from mesh.status_details import STATUS_DETAILS_KEY, to_status
from tests.support.service import ServiceUnderTest


class OneBooking(BookingServiceServicer):
    """booking, which knows one booking."""

    def __init__(self, booking_id: str, customer_id: str, provider_id: str) -> None:
        self._booking_id = booking_id
        self._parties = (customer_id, provider_id)

    async def GetParticipation(self, request: Any, context: Any) -> bookings_pb.GetParticipationResponse:
        if request.booking_id != self._booking_id:
            status = to_status(NotFound("BOOKING_NOT_FOUND", "There is none."), "booking.marketplace")
            trailing = ((STATUS_DETAILS_KEY, status.SerializeToString()),)
            await context.abort(grpc.StatusCode.NOT_FOUND, status.message, trailing)
        customer_id, provider_id = self._parties
        return bookings_pb.GetParticipationResponse(customer_id=customer_id, provider_id=provider_id)


@dataclass
class Talk:
    """A conversation that can begin."""

    service: ServiceUnderTest
    booking_id: str
    customer: Account
    provider: Account

    def stub(self, who: Account) -> Any:
        return self.service.stub(ChatServiceStub, who)

    async def say(self, stub: Any, client_message_id: str, text: str) -> pb.ChatMessage:
        request = pb.SendMessageRequest(booking_id=self.booking_id, client_message_id=client_message_id, text=text)
        message: pb.ChatMessage = (await stub.SendMessage(request)).message
        return message
