"""Calls to payment and user, in booking's words."""

from collections.abc import Mapping, Sequence

import structlog
from marketplace.payment.v1.payment_service_pb2 import AuthorizePaymentRequest
from marketplace.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from marketplace.user.v1.profile_service_pb2 import BatchGetProvidersRequest
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub

from mesh.channels import Channels
from mesh.errors import Conflict, DeadlinePassed, LimitReached, MeshError, NotAllowedNow, Unavailable
from services.booking.model.booking import Booking
from services.booking.ports import PaymentOutcome
from services.booking.wire.common import write_money

_PAYMENT_SECONDS = 5.0  # of the 8 that accepting an offer may take: the rest is for what follows the answer
_NAMES_SECONDS = 1.0  # names are looked up while the customer waits, and there is a copy
_MOST_NAMES = 200
_NO_ANSWER = (Unavailable, DeadlinePassed, LimitReached, Conflict)

_log = structlog.get_logger()


class PaymentClient:
    """payment, which holds and takes money."""

    def __init__(self, channels: Channels) -> None:
        self._payments = channels.stub(PaymentServiceStub, "payment")

    async def authorize(self, booking: Booking) -> PaymentOutcome:
        request = AuthorizePaymentRequest(
            booking_id=booking.booking_id,
            customer_id=booking.customer_id,
            provider_id=booking.provider_id,
            amount=write_money(booking.price),
            commission=write_money(booking.commission),
            payment_method=booking.payment_method,
        )
        try:
            await self._payments.AuthorizePayment(request, timeout=_PAYMENT_SECONDS)
        except _NO_ANSWER as error:
            _log.warning("payment does not answer", booking=booking.booking_id, reason=error.reason)
            return PaymentOutcome.UNKNOWN
        except MeshError as error:
            if isinstance(error, NotAllowedNow) and error.reason == "PAYMENT_DECLINED":
                return PaymentOutcome.DECLINED
            _log.error("payment refuses to authorize", booking=booking.booking_id, reason=error.reason)
            return PaymentOutcome.UNKNOWN
        return PaymentOutcome.AUTHORIZED


class UserClient:
    """user, which knows people's names."""

    def __init__(self, channels: Channels) -> None:
        self._profiles = channels.stub(ProfileServiceStub, "user")

    async def names(self, provider_ids: Sequence[str]) -> Mapping[str, str]:
        request = BatchGetProvidersRequest(provider_ids=provider_ids[:_MOST_NAMES])
        try:
            answer = await self._profiles.BatchGetProviders(request, timeout=_NAMES_SECONDS)
        except MeshError as error:
            _log.warning("user does not tell names", reason=error.reason)
            return {}
        return {provider.provider_id: provider.display_name for provider in answer.providers}
