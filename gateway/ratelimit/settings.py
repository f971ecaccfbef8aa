"""What the rate limit service is told by its environment."""

from dataclasses import dataclass
from pathlib import Path

from mesh.settings import address, existing_file, one_of, seconds, setting, url


def scale(value: str) -> float:
    """A number above 0 and up to a million."""
    try:
        number = float(value)
    except ValueError:
        number = 0
    if not 0 < number <= 1e6:
        raise ValueError("must be above 0 and at most 1000000")
    return number


@dataclass(frozen=True, kw_only=True)
class RateLimitSettings:
    """The variable of a field is its name in capitals, as for services."""

    service: str
    redis_url: str = setting("the Redis connection string", url("redis", "rediss"), is_secret=True)
    grpc_listen: str = setting("where gRPC is served, as host:port", address, "0.0.0.0:50051")
    metrics_listen: str = setting("where Prometheus metrics are served, as host:port", address, "0.0.0.0:9090")
    tls_ca_file: Path = setting("the certificate authority of the mesh, PEM", existing_file)
    tls_certificate_file: Path = setting("this process's certificate, PEM", existing_file)
    tls_key_file: Path = setting("this process's private key, PEM", existing_file)
    rate_scale: float = setting("times the contract's rates; above 1 for load tests", scale, "1")
    log_level: str = setting("the least important level that is logged", one_of("debug", "info", "warning", "error"), "info")
    drain_seconds: float = setting("how long edges get to notice that this process stops", seconds(0, 60), "1")
