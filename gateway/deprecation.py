"""What answers of a method say that the contract calls deprecated: since when [RFC 9745], and when it ends [RFC 8594]."""

from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from gateway.shapes import Config, header
from mesh.contract import MethodContract


def deprecation_headers(method: MethodContract) -> list[Config]:
    """The headers of its answers at every door; none for most methods."""
    if method.deprecation is None:
        return []
    headers = [header("deprecation", f"@{_midnight(method.deprecation.since).timestamp():.0f}")]
    if method.deprecation.sunset is not None:
        headers.append(header("sunset", format_datetime(_midnight(method.deprecation.sunset), usegmt=True)))
    return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
