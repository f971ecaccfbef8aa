"""What auth listens to."""

from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.user.v1.events_pb2 import PersonErased

from mesh.events.subscription import Delivery, Subscription


def subscriptions(erase_person: Callable[[str], Awaitable[None]]) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await erase_person(event.account_id)

    return [Subscription(PersonErased, erase, "erase")]
