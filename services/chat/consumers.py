"""What chat listens to."""

from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.user.v1.events_pb2 import BlockChanged, PersonErased

from mesh.events.subscription import Delivery, Subscription
from services.chat.ports import Blocks


def subscriptions(blocks: Blocks, erase_person: Callable[[str], Awaitable[None]]) -> list[Subscription[Any]]:
    """The table of what is subscribed to."""

    async def keep_block(event: BlockChanged, _delivery: Delivery) -> None:
        await blocks.put(event.blocker_id, event.blocked_id, is_blocked=event.is_blocked, revision=event.revision)

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await erase_person(event.account_id)

    return [Subscription(BlockChanged, keep_block, "block"), Subscription(PersonErased, erase, "erase")]
