"""Asks the other services what they hold of a person, on the person's behalf."""

from collections.abc import AsyncIterator
from typing import Any

from marketplace.auth.v1 import privacy_service_pb2_grpc as auth
from marketplace.auth.v1.privacy_service_pb2 import ExportPersonRequest as AuthRequest
from marketplace.booking.v1 import privacy_service_pb2_grpc as booking
from marketplace.booking.v1.privacy_service_pb2 import ExportPersonRequest as BookingRequest
from marketplace.chat.v1 import privacy_service_pb2_grpc as chat
from marketplace.chat.v1.privacy_service_pb2 import ExportPersonRequest as ChatRequest
from marketplace.common.v1.personal_record_pb2 import PersonalRecord
from marketplace.notification.v1 import privacy_service_pb2_grpc as notification
from marketplace.notification.v1.privacy_service_pb2 import ExportPersonRequest as NotificationRequest
from marketplace.payment.v1 import privacy_service_pb2_grpc as payment
from marketplace.payment.v1.privacy_service_pb2 import ExportPersonRequest as PaymentRequest

from mesh.channels import Channels

_PEERS: dict[str, tuple[Any, Any]] = {
    "auth": (auth.PrivacyServiceStub, AuthRequest),
    "booking": (booking.PrivacyServiceStub, BookingRequest),
    "chat": (chat.PrivacyServiceStub, ChatRequest),
    "notification": (notification.PrivacyServiceStub, NotificationRequest),
    "payment": (payment.PrivacyServiceStub, PaymentRequest),
}


class PeersHoldings:
    """What all other services hold. Each answers for itself; one that does not ends the reading with its failure."""

    def __init__(self, channels: Channels) -> None:
        self._stubs = {name: channels.stub(stub_class, name) for name, (stub_class, _) in _PEERS.items()}

    async def records(self, account_id: str) -> AsyncIterator[tuple[str, PersonalRecord]]:
        """Every record with the service that holds it."""
        for name, (_, request_class) in _PEERS.items():
            token, is_more = "", True
            while is_more:
                answer = await self._stubs[name].ExportPerson(request_class(account_id=account_id, page_token=token))
                for record in answer.records:
                    yield name, record
                token = answer.next_page_token
                is_more = bool(token)
