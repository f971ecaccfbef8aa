"""The stored documents of booking and their indexes."""

from typing import Any, ClassVar

from mongoengine import BooleanField, DateTimeField, DictField, FloatField, IntField, ListField, LongField, StringField

from mesh.storage.documents import StoredDocument


class OfferingDocument(StoredDocument):
    """What a provider offers in one category."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "offerings",
        "indexes": [("provider_id", "category_id"), ("category_id",), ("is_indexed",)],
    }

    provider_id: Any = StringField(required=True)
    category_id: Any = StringField(required=True)
    currency_code: Any = StringField(required=True)
    price_minor: Any = LongField(required=True)
    price_model: Any = StringField(required=True)
    latitude: Any = FloatField(required=True)
    longitude: Any = FloatField(required=True)
    area_radius_meters: Any = IntField(required=True)
    is_indexed: Any = BooleanField(default=False)  # whether this version has reached the index of areas


class ProviderDocument(StoredDocument):
    """What is known of a provider; every part is written by itself, none needs another to be there."""

    meta: ClassVar[dict[str, Any]] = {"collection": "providers"}

    display_name: Any = StringField(default="")
    name_time: Any = DateTimeField()
    rating: Any = FloatField(default=0.0)
    rating_count: Any = IntField(default=0)
    rating_revision: Any = LongField()
    offers_answered: Any = IntField(default=0)
    offers_accepted: Any = IntField(default=0)
    time_zone: Any = StringField()  # absent: no hours stated
    intervals: Any = ListField(ListField(IntField()))  # day, start minute, end minute


class BlockDocument(StoredDocument):
    """Whether one blocks another, as user told last. The id is `<blocker>:<blocked>`."""

    meta: ClassVar[dict[str, Any]] = {"collection": "blocks"}

    is_blocked: Any = BooleanField(required=True)
    revision: Any = LongField(required=True)


class CalendarDayDocument(StoredDocument):
    """What one provider's time is taken by on one day in UTC. The id is `<provider id>:<ISO date>`."""

    meta: ClassVar[dict[str, Any]] = {"collection": "calendar_days"}

    holds: Any = ListField(DictField())  # booking_id, start, end


class RequestDocument(StoredDocument):
    """A customer's request."""

    meta: ClassVar[dict[str, Any]] = {"collection": "requests", "indexes": [("customer_id", "_id"), ("candidates.provider_id",)]}

    customer_id: Any = StringField(required=True)
    category_id: Any = StringField(required=True)
    start: Any = DateTimeField(required=True)
    end: Any = DateTimeField(required=True)
    latitude: Any = FloatField(required=True)
    longitude: Any = FloatField(required=True)
    note: Any = StringField(default="")
    payment_method: Any = StringField(required=True)
    create_time: Any = DateTimeField(required=True)
    state: Any = StringField(required=True)
    candidates: Any = ListField(DictField())
    booking_id: Any = StringField(default="")


class OfferDocument(StoredDocument):
    """An offer to one provider."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "offers",
        "indexes": [
            ("provider_id", "-create_time", "-_id"),
            ("customer_id", "_id"),
            ("request_id", "state"),
            ("state", "expire_time"),
        ],
    }

    request_id: Any = StringField(required=True)
    customer_id: Any = StringField(required=True)
    provider_id: Any = StringField(required=True)
    category_id: Any = StringField(required=True)
    start: Any = DateTimeField(required=True)
    end: Any = DateTimeField(required=True)
    currency_code: Any = StringField(required=True)
    price_minor: Any = LongField(required=True)
    commission_minor: Any = LongField(required=True)
    distance_meters: Any = IntField(required=True)
    note: Any = StringField(default="")
    create_time: Any = DateTimeField(required=True)
    expire_time: Any = DateTimeField(required=True)
    state: Any = StringField(required=True)
    booking_id: Any = StringField(default="")


class BookingDocument(StoredDocument):
    """A booking."""

    meta: ClassVar[dict[str, Any]] = {
        "collection": "bookings",
        "indexes": [("parties", "-create_time", "-_id"), ("state", "attempt_time")],
    }

    request_id: Any = StringField(required=True)
    offer_id: Any = StringField(required=True)
    parties: Any = ListField(StringField(), required=True)  # the customer, then the provider
    category_id: Any = StringField(required=True)
    start: Any = DateTimeField(required=True)
    end: Any = DateTimeField(required=True)
    latitude: Any = FloatField(required=True)
    longitude: Any = FloatField(required=True)
    currency_code: Any = StringField(required=True)
    price_minor: Any = LongField(required=True)
    commission_minor: Any = LongField(required=True)
    payment_method: Any = StringField(required=True)
    create_time: Any = DateTimeField(required=True)
    state: Any = StringField(required=True)
    confirm_time: Any = DateTimeField()
    is_declined: Any = BooleanField(default=False)
    move_reason: Any = StringField(default="")
    attempt_time: Any = DateTimeField()  # when payment is asked again; absent once there is an answer
