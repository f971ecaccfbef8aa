"""What realtime is told by its environment."""

from dataclasses import dataclass

from mesh.settings import Settings, address, seconds, setting, whole_number


@dataclass(frozen=True, kw_only=True)
class RealtimeSettings(Settings):
    """What realtime needs beside what every service needs."""

    websocket_listen: str = setting("where WebSockets are served, as host:port", address, "0.0.0.0:8081")
    heartbeat_seconds: float = setting("after how long without an event a stream shows that it is alive", seconds(0.1, 60), "15")
    kept_events: int = setting("the events of an account that can be resumed from", whole_number(1, 10_000), "500")
