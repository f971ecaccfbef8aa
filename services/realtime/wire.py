"""The contract's frames and events, and the model's, both ways."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from marketplace.realtime.v1 import live_service_pb2 as pb

from mesh.errors import MeshError
from services.realtime.model import (
    Alive,
    BookingNotice,
    Frame,
    Kept,
    Located,
    LocationPoint,
    MessageNotice,
    Notice,
    OfferNotice,
    Opened,
    PaymentNotice,
    Position,
    Told,
)


def write_frame(frame: Frame, now: datetime) -> pb.LiveEvent:
    """A frame as clients see it."""
    match frame:
        case Kept(told, position):
            event = write_told(told)
            event.position.CopyFrom(_write_position(position))
            return event
        case Located(booking_id, point):
            wire = pb.LiveEvent(location=pb.LocationNotice(booking_id=booking_id, point=write_point(point)))
            return _timed(wire, point.measure_time)
        case Opened(is_recovered, position):
            subscribed = pb.Subscribed(is_recovered=is_recovered, position=_write_position(position))
            return _timed(pb.LiveEvent(subscribed=subscribed), now)
        case Alive():
            return _timed(pb.LiveEvent(heartbeat=pb.Heartbeat()), now)


def write_refusal(error: MeshError, now: datetime) -> pb.LiveEvent:
    """The answer to a client's frame that was refused."""
    return _timed(pb.LiveEvent(refused=pb.Refused(reason=error.reason, message=error.message)), now)


def write_told(told: Told) -> pb.LiveEvent:
    """What an account is told, without its place in the stream."""
    return _timed(_write_notice(told.notice), told.event_time)


def read_told(event: pb.LiveEvent) -> Told:
    """What an account was told. Raises ValueError for a frame that stands in no history."""
    return Told(_read_notice(event), _read_time(event.event_time))


def _write_notice(notice: Notice) -> pb.LiveEvent:
    match notice:
        case OfferNotice(offer_id, request_id, category_id):
            return pb.LiveEvent(offer=pb.OfferNotice(offer_id=offer_id, request_id=request_id, category_id=category_id))
        case BookingNotice(booking_id, state):
            return pb.LiveEvent(booking=pb.BookingNotice(booking_id=booking_id, state=state))
        case MessageNotice(booking_id, message_id, sequence):
            return pb.LiveEvent(message=pb.MessageNotice(booking_id=booking_id, message_id=message_id, sequence=sequence))
        case PaymentNotice(booking_id, state):
            return pb.LiveEvent(payment=pb.PaymentNotice(booking_id=booking_id, state=state))


def _read_notice(event: pb.LiveEvent) -> Notice:
    match event.WhichOneof("event"):
        case "offer":
            return OfferNotice(event.offer.offer_id, event.offer.request_id, event.offer.category_id)
        case "booking":
            return BookingNotice(event.booking.booking_id, event.booking.state)
        case "message":
            return MessageNotice(event.message.booking_id, event.message.message_id, event.message.sequence)
        case "payment":
            return PaymentNotice(event.payment.booking_id, event.payment.state)
        case kind:
            raise ValueError(f"an event of kind {kind} stands in no history")


def read_position(request: pb.SubscribeRequest) -> Position | None:
    """Where the stream is to be resumed; None when it begins."""
    wire = request.resume_from
    return Position(wire.epoch, wire.offset) if wire.epoch else None


def _write_position(position: Position) -> pb.Position:
    return pb.Position(epoch=position.epoch, offset=position.offset)


def write_point(point: LocationPoint) -> pb.LocationPoint:
    """A point of a way."""
    wire = pb.LocationPoint(accuracy_meters=point.accuracy_meters)
    wire.point.latitude, wire.point.longitude = point.latitude, point.longitude
    wire.measure_time.FromDatetime(point.measure_time)
    return wire


def read_point(wire: pb.LocationPoint) -> LocationPoint:
    """A point of a way."""
    return LocationPoint(wire.point.latitude, wire.point.longitude, _read_time(wire.measure_time), wire.accuracy_meters)


def _timed(event: pb.LiveEvent, moment: datetime) -> pb.LiveEvent:
    event.event_time.FromDatetime(moment)
    return event


def _read_time(wire: Timestamp) -> datetime:
    return wire.ToDatetime(UTC)
