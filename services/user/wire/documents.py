"""Documents, and the events that tell of them."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.user.v1 import document_pb2 as pb
from marketplace.user.v1 import events_pb2 as events
from marketplace.user.v1 import verification_service_pb2 as verification_pb

from services.user.model.document import Document

_LATEST = datetime(2199, 12, 31, tzinfo=UTC)


def document_from_wire(
    request: verification_pb.SubmitDocumentRequest, document_id: str, account_id: str, now: datetime
) -> Document:
    """A document that is submitted now."""
    return Document(
        document_id=document_id,
        account_id=account_id,
        kind=pb.DocumentKind.Name(request.kind).removeprefix("DOCUMENT_KIND_"),
        reference=request.reference,
        submit_time=now,
        expire_time=_moment(request.expire_time) if request.HasField("expire_time") else None,
    )


def document_to_wire(document: Document) -> pb.Document:
    """A document as its owner and administrators see it."""
    message = pb.Document(
        document_id=document.document_id,
        account_id=document.account_id,
        kind=_kind(document),
        reference=document.reference,
        state=_state(document),
        decision_reason=document.decision_reason,
    )
    message.submit_time.FromDatetime(document.submit_time)
    if document.expire_time is not None:
        message.expire_time.FromDatetime(document.expire_time)
    if document.decision_time is not None:
        message.decision_time.FromDatetime(document.decision_time)
    return message


def document_state_changed(document: Document, time: datetime) -> events.DocumentStateChanged:
    """Tells how far a document has come."""
    event = events.DocumentStateChanged(
        account_id=document.account_id, document_id=document.document_id, kind=_kind(document), state=_state(document)
    )
    event.change_time.FromDatetime(time)
    return event


def document_expiring(document: Document) -> events.DocumentExpiring:
    """Tells that a document expires soon."""
    event = events.DocumentExpiring(account_id=document.account_id, document_id=document.document_id, kind=_kind(document))
    if document.expire_time is not None:
        event.expire_time.FromDatetime(document.expire_time)
    return event


def place_of(document: Document) -> tuple[datetime | None, str]:
    """What lists of documents are sorted by."""
    return document.submit_time, document.document_id


def _moment(timestamp: Timestamp) -> datetime:
    """The moment in seconds; beyond the years 1970 to 2199 the nearest in them, so that no calculation can overflow."""
    return datetime.fromtimestamp(min(max(timestamp.seconds, 0), int(_LATEST.timestamp())), UTC)


def _kind(document: Document) -> "pb.DocumentKind.ValueType":
    return pb.DocumentKind.Value(f"DOCUMENT_KIND_{document.kind}")


def _state(document: Document) -> "pb.DocumentState.ValueType":
    return pb.DocumentState.Value(f"DOCUMENT_STATE_{document.state}")
