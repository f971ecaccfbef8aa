"""A valid request of any method, made from its descriptor: ids as they are given, everything else from one table of samples."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from demo.journey.scene import CATEGORY, PASSWORD, ZONE, stamp
from mesh.contract import MethodContract
from mesh.errors import InvalidInput
from mesh.interceptors.validation import require_valid

_AHEAD = timedelta(days=60)
_DAY = {"start_minute": 480, "end_minute": 1080}
_SAMPLES: dict[str, Any] = {
    "action": "MODERATION_ACTION_DISMISS_REPORTS",
    "amount": {"currency_code": "BRL", "amount_minor": "4000"},
    "area_radius_meters": 8000,
    "category_id": CATEGORY,
    "challenge_token": "x",
    "code": "123456",
    "comment": "Quick and tidy.",
    "commission": {"currency_code": "BRL", "amount_minor": "400"},
    "credential_json": "{}",
    "display_name": "Somebody",
    "duration": "7200s",
    "ground": "REPORT_REASON_SPAM",
    "intervals": [_DAY | {"day": number} for number in range(1, 6)],
    "kind": "DOCUMENT_KIND_IDENTITY",
    "note": "A lamp.",
    "notification_ids": ["ntf_" + "0" * 26],
    "page": {"page_size": 5},
    "password": PASSWORD,
    "payload": {"content_type": "application/json", "data": ""},
    "payment_method": "pm_card_visa",
    "postal_address": {"street": "Example Street 1", "city": "Example", "country_code": "BR"},
    "price": {"currency_code": "BRL", "amount_minor": "4000"},
    "price_model": "PRICE_MODEL_HOURLY",
    "rating": 5,
    "reason": "Found the manual.",
    "reference": "documents/1",
    "refresh_token": "x",
    "roles": ["ACCOUNT_ROLE_CUSTOMER"],
    "text": "Please ring twice.",
    "time_zone": ZONE,
    "token": "x",
    "update_mask": "displayName",
}
"""By the name that a field has everywhere. What is neither here nor below stays empty."""


def sample(method: MethodContract, place: Mapping[str, float], ids: Mapping[str, str]) -> Message:
    """A request that carries these ids, by the fields' names. Raises AssertionError when the table does not make it valid."""
    known = _SAMPLES | _fresh(place) | dict(ids)
    fields: dict[str, Any] = {}
    for field in method.descriptor.input_type.fields:
        if field.name in known:
            value = known[field.name]
            fields[field.name] = [value] if field.is_repeated and not isinstance(value, list) else value
    request = ParseDict(fields, method.request())
    try:
        require_valid(request)
    except InvalidInput as broken:
        raise AssertionError(f"{method.path} needs a sample of another field in tests/support/requests.py: {broken}") from None
    return request


def _fresh(place: Mapping[str, float]) -> dict[str, Any]:
    """What lies at the place, at a moment, or is made up for one request."""
    start = datetime.now(UTC) + _AHEAD
    return {
        "area_center": dict(place),
        "client_message_id": uuid4().hex,
        "email": f"{uuid4().hex}@example.com",
        "end_time": stamp(start + timedelta(days=1)),
        "place": dict(place),
        "points": [{"point": dict(place), "measure_time": stamp(datetime.now(UTC)), "accuracy_meters": 8}],
        "start_time": stamp(start),
    }
