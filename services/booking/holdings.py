"""What booking holds of persons, and what an erasure leaves of it."""

from collections.abc import Mapping
from typing import Any

from mesh.storage.holdings import KEPT, REMOVED, Holding
from services.booking.store.documents import (
    BlockDocument,
    BookingDocument,
    CalendarDayDocument,
    OfferDocument,
    OfferingDocument,
    ProviderDocument,
    RequestDocument,
)

_NOWHERE = {"latitude": 0.0, "longitude": 0.0}
_SECRETS = frozenset({"payment_method"})


def _without_name(request: RequestDocument, provider_id: str) -> Mapping[str, Any]:
    """Another's request, in which the erased provider is a candidate without a name."""
    return {
        "candidates": [
            {**each, "display_name": ""} if each["provider_id"] == provider_id else each for each in request.candidates
        ]
    }


def _without_traces(booking: BookingDocument, account_id: str) -> Mapping[str, Any]:
    """A booking of an erased party: the customer's place and means of payment go, what was done and paid stays."""
    is_customer = booking.parties[0] == account_id
    return {"move_reason": "", **({**_NOWHERE, "payment_method": "erased"} if is_customer else {})}


HOLDINGS = (
    Holding(
        "requests",
        RequestDocument,
        "customer_id",
        {"note": "", "payment_method": "erased", **_NOWHERE},
        hidden=_SECRETS | {"candidates"},
    ),
    Holding("candidacies", RequestDocument, "candidates.provider_id", KEPT, exported_when=None, rewrite=_without_name),
    Holding("offers", OfferDocument, "provider_id", KEPT),
    Holding("offers on own requests", OfferDocument, "customer_id", {"note": ""}, exported_when=None),
    Holding("bookings", BookingDocument, "parties", KEPT, hidden=_SECRETS | _NOWHERE.keys(), rewrite=_without_traces),
    Holding("offerings", OfferingDocument, "provider_id", REMOVED),
    Holding("provider", ProviderDocument, "_id", {"display_name": "", "intervals": []}),
)

IMPERSONAL = (BlockDocument, CalendarDayDocument)
"""What says nothing of a person, or nothing but account ids, which lead to nobody once a person is erased."""
