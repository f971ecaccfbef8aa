"""What booking listens to."""

from collections.abc import Awaitable, Callable
from typing import Any

from marketplace.payment.v1.events_pb2 import PaymentAuthorized, PaymentFailed
from marketplace.user.v1.events_pb2 import BlockChanged, PersonErased, ProfileChanged, RatingChanged

from mesh.events.subscription import Delivery, Subscription
from services.booking.ports import PaymentOutcome, Ports
from services.booking.workflows.settle_payment import conclude_payment


def subscriptions(ports: Ports, erase_person: Callable[[str], Awaitable[None]]) -> list[Subscription[Any]]:
    """Every event that booking acts on."""
    handlers = Handlers(ports)

    async def erase(event: PersonErased, _delivery: Delivery) -> None:
        await erase_person(event.account_id)

    return [
        Subscription(PersonErased, erase, "erase"),
        Subscription(RatingChanged, handlers.keep_rating, "rating"),
        Subscription(ProfileChanged, handlers.keep_name, "name"),
        Subscription(BlockChanged, handlers.keep_block, "block"),
        Subscription(PaymentAuthorized, handlers.confirm_booking, "confirm"),
        Subscription(PaymentFailed, handlers.expire_booking, "expire"),
    ]


class Handlers:
    """One method an event; each runs in a transaction with the event's inbox row."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def keep_rating(self, event: RatingChanged, _delivery: Delivery) -> None:
        """Matching ranks by it."""
        revision = event.revision or event.rating_count  # publishers without revisions: there the count never falls
        await self._ports.providers.put_rating(event.account_id, event.rating, event.rating_count, revision)

    async def keep_name(self, event: ProfileChanged, delivery: Delivery) -> None:
        """Candidates are shown under it while user does not answer."""
        if event.is_provider:
            await self._ports.providers.put_name(event.account_id, event.display_name, delivery.occurred_time)

    async def keep_block(self, event: BlockChanged, _delivery: Delivery) -> None:
        """Those two are not matched while it holds."""
        await self._ports.blocks.put(event.blocker_id, event.blocked_id, is_blocked=event.is_blocked, revision=event.revision)

    async def confirm_booking(self, event: PaymentAuthorized, _delivery: Delivery) -> None:
        """The answer that the accepting call may have missed."""
        await conclude_payment(self._ports, event.booking_id, PaymentOutcome.AUTHORIZED)

    async def expire_booking(self, event: PaymentFailed, _delivery: Delivery) -> None:
        """The answer that the accepting call may have missed."""
        await conclude_payment(self._ports, event.booking_id, PaymentOutcome.DECLINED)
