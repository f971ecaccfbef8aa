"""A marketplace's history in events, for the tests of analytics."""

from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from marketplace.auth.v1.events_pb2 import AccountRegistered
from marketplace.booking.v1.events_pb2 import (
    BookingCancelled,
    BookingCompleted,
    BookingConfirmed,
    OfferAccepted,
    OfferMade,
    ServiceRequested,
)
from marketplace.common.v1.money_pb2 import Money
from marketplace.payment.v1.events_pb2 import PaymentCaptured
from marketplace.user.v1.events_pb2 import RatingChanged

BEGIN = datetime(2026, 11, 3, 14, tzinfo=UTC)
LARGE = 3_000_000_000  # above what 32 bits hold


def captured(number: int, provider_id: str, currency: str, paid: int, commission: int) -> PaymentCaptured:
    return PaymentCaptured(
        payment_id=f"pay_{number}",
        booking_id=f"bkg_{number}",
        provider_id=provider_id,
        amount=Money(currency_code=currency, amount_minor=paid),
        commission=Money(currency_code=currency, amount_minor=commission),
        net=Money(currency_code=currency, amount_minor=paid - commission),
    )


def history(provider_id: str) -> list[Message]:
    """Four offers, three accepted: one booking done and paid, one paid in another currency, one cancelled after it was confirmed,
    one offer of another provider whose booking was cancelled before."""
    other = "acc_other"
    events: list[Message] = [AccountRegistered(account_id=account) for account in ("acc_customer", provider_id, other)]
    for number in range(1, 5):
        events += [
            ServiceRequested(request_id=f"req_{number}"),
            OfferMade(offer_id=f"ofr_{number}", request_id=f"req_{number}", provider_id=provider_id),
        ]
    for number in range(1, 4):
        events += [
            OfferAccepted(booking_id=f"bkg_{number}", offer_id=f"ofr_{number}", provider_id=provider_id),
            BookingConfirmed(booking_id=f"bkg_{number}", provider_id=provider_id),
        ]
    events += [
        BookingCompleted(booking_id="bkg_1", provider_id=provider_id),
        captured(1, provider_id, "BRL", LARGE, 450_000_000),
        BookingCompleted(booking_id="bkg_2", provider_id=provider_id),
        captured(2, provider_id, "USD", 999, 149),
        BookingCancelled(booking_id="bkg_3", provider_id=provider_id),
        OfferMade(offer_id="ofr_9", request_id="req_4", provider_id=other),
        OfferAccepted(booking_id="bkg_9", offer_id="ofr_9", provider_id=other),
        BookingCancelled(booking_id="bkg_9", provider_id=other),
        RatingChanged(account_id=provider_id, rating=5.0, rating_count=1),
        RatingChanged(account_id=provider_id, rating=4.5, rating_count=2),
    ]
    return events


def time_of(index: int) -> datetime:
    """When the event at this place of the history happened."""
    return BEGIN + timedelta(minutes=index)
