"""Asks booking who may talk. The parties of a booking never change, so that an answer is kept."""

from collections import OrderedDict

from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceStub

from mesh.channels import Channels
from mesh.errors import NotFound
from services.chat.model import Parties, conversation_not_found

_REMEMBERED = 10_000


class BookingClient:
    """The port Bookings."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(BookingServiceStub, "booking")
        self._known: OrderedDict[str, Parties] = OrderedDict()

    async def parties(self, booking_id: str) -> Parties:
        known = self._known.get(booking_id)
        if known is not None:
            return known
        try:
            answer = await self._stub.GetParticipation(pb.GetParticipationRequest(booking_id=booking_id))
        except NotFound:
            raise conversation_not_found() from None
        parties = self._known[booking_id] = Parties(answer.customer_id, answer.provider_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return parties
