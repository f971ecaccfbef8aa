"""The messages of bookings."""

from marketplace.booking.v1 import booking_service_pb2 as pb

from services.booking.model.booking import Booking, BookingState
from services.booking.wire.common import write_money, write_place, write_time


def write_state(state: BookingState) -> "pb.BookingState.ValueType":
    """How far a booking has come."""
    return pb.BookingState.Value(f"BOOKING_STATE_{state}")


def write_booking(booking: Booking, account_id: str) -> pb.Booking:
    """A booking as this account may see it."""
    return pb.Booking(
        booking_id=booking.booking_id,
        request_id=booking.request_id,
        customer_id=booking.customer_id,
        provider_id=booking.provider_id,
        category_id=booking.category_id,
        start_time=write_time(booking.period.start),
        end_time=write_time(booking.period.end),
        place=write_place(booking.place) if booking.shows_place_to(account_id) else None,
        price=write_money(booking.price),
        commission=write_money(booking.commission),
        net=write_money(booking.net),
        state=write_state(booking.state),
        create_time=write_time(booking.create_time),
        cancel_reason=booking.cancel_reason,
    )


def write_participation(booking: Booking) -> pb.GetParticipationResponse:
    """Who takes part, and how far it has come."""
    return pb.GetParticipationResponse(
        customer_id=booking.customer_id, provider_id=booking.provider_id, state=write_state(booking.state)
    )
