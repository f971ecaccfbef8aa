"""Telling accounts what happened."""

from collections.abc import Mapping

from services.realtime.model import Told
from services.realtime.ports import Ports


async def tell(ports: Ports, event_id: str, told: Mapping[str, Told]) -> None:
    """Tells each account, by its id, once for each event id. Raises Unavailable, after which it may be repeated."""
    for account_id, each in told.items():
        await ports.history.add(account_id, event_id, each)
    await ports.bell.ring(*told)
