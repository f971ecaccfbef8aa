"""Asks booking who takes part, with the rights of the caller; and whether the caller's token is still good."""

from marketplace.booking.v1 import booking_service_pb2 as pb
from marketplace.booking.v1.booking_service_pb2_grpc import BookingServiceStub

from mesh.channels import Channels
from mesh.errors import NotFound
from mesh.identity import TokenVerifier
from services.realtime.model import Caller, Participation, booking_not_found

_UNDER_WAY = (pb.BOOKING_STATE_EN_ROUTE, pb.BOOKING_STATE_IN_PROGRESS)


class BookingClient:
    """The port Bookings."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(BookingServiceStub, "booking")

    async def participation(self, booking_id: str, caller: Caller) -> Participation:
        request = pb.GetParticipationRequest(booking_id=booking_id)
        headers = (("authorization", f"Bearer {caller.token}"),)  # a WebSocket's frame is no call that would bring it along
        try:
            answer = await self._stub.GetParticipation(request, metadata=headers)
        except NotFound:
            raise booking_not_found() from None
        return Participation(answer.customer_id, answer.provider_id, answer.state in _UNDER_WAY)


class VerifiedTokens:
    """The port Sessions."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def require(self, token: str) -> None:
        if self._verifier.recall(token) is None:
            await self._verifier.verify(token)
