"""LiveService: one short method per RPC."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from marketplace.realtime.v1 import live_service_pb2 as pb
from marketplace.realtime.v1.live_service_pb2_grpc import LiveServiceServicer

from mesh.call import Account, Context, current_account
from services.realtime.model import Caller
from services.realtime.ports import Ports
from services.realtime.wire import read_point, read_position, write_frame
from services.realtime.workflows.live_stream import LiveStream
from services.realtime.workflows.locations import publish_locations


class LiveServicer(LiveServiceServicer):
    """Decodes, calls the use case, encodes."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def Subscribe(self, request: pb.SubscribeRequest, context: Context) -> AsyncGenerator[pb.SubscribeResponse]:
        stream = LiveStream(self._ports, caller_of(current_account()))
        await stream.watch(request.booking_id)
        async with aclosing(stream.frames(read_position(request))) as frames:
            async for frame in frames:
                yield pb.SubscribeResponse(event=write_frame(frame, self._ports.clock.now()))

    async def PublishLocations(self, request: pb.PublishLocationsRequest, context: Context) -> pb.PublishLocationsResponse:
        points = [read_point(point) for point in request.points]
        accepted = await publish_locations(self._ports, caller_of(current_account()), request.booking_id, points)
        return pb.PublishLocationsResponse(accepted_count=accepted)


def caller_of(account: Account) -> Caller:
    """The end user, in this service's words."""
    return Caller(account.account_id, account.token)
