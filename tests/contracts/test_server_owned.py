"""What only the server may set is absent from what clients send: owners, states, prices that follow from others, ids, moments."""

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from mesh import contract
from mesh.contract import MethodContract
from mesh.errors import InvalidInput
from mesh.interceptors.validation import require_valid

AT_EDGE = [method for method in contract.methods() if method.is_edge]
SERVER_OWNED = re.compile(
    r".*_(id|ids|time|state|status|role|count|score|reason|token|version)"
    r"|id|owner|account|(account|user)_.*|state|status|roles?|price|amount(_minor)?|currency_code|net|commission|fee|total"
    r"|rating|score|weight|sequence|epoch|offset|version|etag|is_.*|has_.*|can_.*|verified|.*_state"
)
STATED_BY_CLIENTS = {
    "auth.v1.AddPasskeyRequest.challenge_token": "what the server gave to this client",
    "auth.v1.CompleteLogInRequest.challenge_token": "what the server gave to this client",
    "auth.v1.CompletePasskeyLogInRequest.challenge_token": "what the server gave to this client",
    "auth.v1.ReAuthenticateWithPasskeyRequest.challenge_token": "what the server gave to this client",
    "auth.v1.SetRolesRequest.roles": "what an administrator decides",
    "auth.v1.RefreshSessionRequest.refresh_token": "what the server gave to this client",
    "auth.v1.RegisterAccountRequest.roles": "customer or provider; the rules refuse administrators",
    "booking.v1.CreateServiceRequestRequest.start_time": "when the customer wants it",
    "booking.v1.ListFreeSlotsRequest.start_time": "a question's bounds",
    "booking.v1.ListFreeSlotsRequest.end_time": "a question's bounds",
    "booking.v1.SetOfferingRequest.price": "the provider's own price; what a booking costs is computed",
    "common.v1.Money.currency_code": "of that price",
    "common.v1.Money.amount_minor": "of that price",
    "common.v1.PageRequest.page_token": "what the server gave to this client",
    "realtime.v1.LocationPoint.measure_time": "when the device measured",
    "realtime.v1.Position.epoch": "where this client stands",
    "realtime.v1.Position.offset": "where this client stands",
    "user.v1.DecideDocumentRequest.is_approved": "the administrator's decision",
    "user.v1.SubmitDocumentRequest.expire_time": "what the document says; an administrator looks",
    "user.v1.SubmitReviewRequest.rating": "the reviewer's opinion",
    "user.v1.UpdateMyProfileRequest.etag": "what the server gave to this client",
}
"""What looks like the server's, is asked of clients, and why."""
SHAPES = {"LocationPoint", "Position", "PostalAddress", "SubRatings", "WeeklyInterval"}
"""Messages of a service that clients send and get alike: facts of the client's own, no resource that the server keeps."""


def _fields(message: Descriptor) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.full_name.startswith("marketplace."):
            yield from _fields(field.message_type)


def _is_named(method: MethodContract, field: FieldDescriptor) -> bool:
    """Whether the policy says whose the id is; the verb of the method is about that thing then."""
    return field.name in {method.owner_field, *(name.rpartition(".")[2] for _, name in method.also_names)}


def _short(field: FieldDescriptor) -> str:
    return field.full_name.removeprefix("marketplace.")


@pytest.mark.parametrize("method", AT_EDGE, ids=lambda method: method.path.rpartition(".")[2])
def test_no_request_has_a_field_that_only_the_server_may_set(method: MethodContract) -> None:
    found = [
        _short(field)
        for field in _fields(method.descriptor.input_type)
        if SERVER_OWNED.fullmatch(field.name) and not _is_named(method, field)
    ]
    assert set(found) <= STATED_BY_CLIENTS.keys()


def test_every_exception_is_still_one() -> None:
    there = {_short(field) for method in AT_EDGE for field in _fields(method.descriptor.input_type)}
    assert STATED_BY_CLIENTS.keys() <= there
    assert all(SERVER_OWNED.fullmatch(name.rpartition(".")[2]) for name in STATED_BY_CLIENTS)


@pytest.mark.parametrize("method", AT_EDGE, ids=lambda method: method.path.rpartition(".")[2])
def test_no_request_carries_a_whole_resource(method: MethodContract) -> None:
    """A resource sent back whole would be an invitation to write all of it."""
    answered = {
        field.message_type.full_name
        for other in contract.methods()
        for field in _fields(other.descriptor.output_type)
        if field.message_type is not None and not field.message_type.full_name.startswith(("marketplace.common.", "google."))
    }
    sent = {field.message_type.full_name for field in _fields(method.descriptor.input_type) if field.message_type is not None}
    assert {name.rpartition(".")[2] for name in sent & answered} <= SHAPES


def test_nobody_registers_as_an_administrator() -> None:
    method = contract.find_method("/marketplace.auth.v1.AuthService/RegisterAccount")
    account = {"email": "a@example.com", "password": "correct horse battery", "display_name": "A"}
    require_valid(method.request(**account, roles=["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_PROVIDER"]))
    for roles in (["ACCOUNT_ROLE_ADMIN"], ["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_ADMIN"], [4], []):
        with pytest.raises(InvalidInput):
            require_valid(method.request(**account, roles=roles))


def test_what_a_booking_and_its_payment_consist_of_is_the_servers() -> None:
    resources = [
        contract.find_method(f"/marketplace.{path}").descriptor.output_type
        for path in ("booking.v1.BookingService/GetBooking", "payment.v1.PaymentService/GetPayment")
    ]
    facts = {field.name for resource in resources for field in _fields(resource) if field.message_type is None}
    assert {name for name in facts if not SERVER_OWNED.fullmatch(name)} <= {"latitude", "longitude", "note"}
