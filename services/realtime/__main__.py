"""Wires realtime together and runs it: `python -m services.realtime`."""

from marketplace.realtime.v1.live_service_pb2_grpc import add_LiveServiceServicer_to_server

from mesh.runtime import Runtime, run
from mesh.storage.bell import Bell
from services.realtime.clients import BookingClient, VerifiedTokens
from services.realtime.consumers import subscriptions
from services.realtime.ports import Ports
from services.realtime.servicer.live import LiveServicer
from services.realtime.servicer.sockets import LiveSockets
from services.realtime.settings import RealtimeSettings
from services.realtime.store.history import StoredHistory
from services.realtime.store.locations import StoredLocations

_SECONDS_TO_RECONNECT = 1.0


async def assemble(runtime: Runtime[RealtimeSettings]) -> None:
    """Adds everything that realtime is made of."""
    settings = runtime.settings
    bell = Bell(runtime.redis, "live:bell")
    ports = Ports(
        bookings=BookingClient(runtime.channels),
        sessions=VerifiedTokens(runtime.verifier),
        history=StoredHistory(runtime.redis, settings.kept_events),
        locations=StoredLocations(runtime.redis),
        bell=bell,
        clock=runtime.clock,
        heartbeat_seconds=settings.heartbeat_seconds,
    )
    sockets = LiveSockets(settings, runtime.verifier, ports)
    runtime.serve(add_LiveServiceServicer_to_server, LiveServicer(ports))
    runtime.consume(subscriptions(ports))
    runtime.every(_SECONDS_TO_RECONNECT, "hear_the_bell", bell.hear)
    runtime.on_start(sockets.start)
    runtime.on_stop(sockets.stop)


if __name__ == "__main__":
    run("realtime", assemble, RealtimeSettings)
