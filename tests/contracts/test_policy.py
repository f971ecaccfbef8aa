"""Every method has a policy that makes sense, as protos/marketplace/mesh/v1/policy.proto describes it."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor

from mesh import contract
from mesh.contract import MethodContract

METHODS = contract.methods()
SERVICES = {method.service for method in METHODS}
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.path.rpartition(".")[2])


def _ids_in(message: Descriptor, prefix: str = "") -> Iterator[str]:
    """The fields of a request that carry ids, dotted where they lie in a message within it."""
    for field in message.fields:
        if field.name.endswith(("_id", "_ids")):
            yield prefix + field.name
        elif field.message_type is not None and field.message_type.full_name.startswith("marketplace."):
            yield from _ids_in(field.message_type, f"{prefix}{field.name}.")


def _door(verb: str, path: str) -> tuple[str, str]:
    """A REST door without the names of its variables: two that differ only there are the same."""
    return verb, re.sub(r"\{[^}]*\}", "{}", path)


@each_method
def test_a_method_says_where_it_is_reached_from_and_by_whom(method: MethodContract) -> None:
    if method.is_edge:
        assert method.is_public != bool(method.roles), "public, or for some roles, not both and not neither"
    else:
        assert method.callers, "a method of the mesh names its callers"
        assert not method.is_public
    assert method.callers <= SERVICES
    assert method.service not in method.callers


@each_method
def test_a_method_ends(method: MethodContract) -> None:
    assert method.deadline_seconds > 0 or method.is_server_streaming
    assert method.deadline_seconds <= 30


@each_method
def test_no_method_takes_a_stream_of_requests(method: MethodContract) -> None:
    assert not method.is_client_streaming


@each_method
def test_a_method_at_the_edge_has_a_rate_and_a_rest_path_and_one_of_the_mesh_has_neither(method: MethodContract) -> None:
    if not method.is_edge:
        assert (method.rest, method.rate, method.websocket_path) == ((), None, "")
        return
    assert method.rest
    assert method.rate is not None
    assert method.rate.requests > 0
    assert method.rate.per_seconds > 0
    assert method.rate.scope == ("address" if method.is_public else "account")
    assert all(re.fullmatch(r"/(v1|\.well-known)/[a-z0-9_.:/{}-]+", binding.path) for binding in method.rest)


@each_method
def test_the_verb_tells_whether_there_are_side_effects(method: MethodContract) -> None:
    for binding in method.rest:
        assert (binding.verb == "GET") == (not method.has_side_effects)
        assert bool(binding.body) == (binding.verb in ("POST", "PUT", "PATCH"))


@each_method
def test_the_variables_of_a_path_are_fields_of_the_request(method: MethodContract) -> None:
    fields = method.descriptor.input_type.fields_by_name
    for binding in method.rest:
        for name in re.findall(r"\{([^}=]*)", binding.path):
            assert name in fields
            assert fields[name].cpp_type == fields[name].CPPTYPE_STRING


def test_no_two_methods_share_a_door() -> None:
    doors = Counter(_door(binding.verb, binding.path) for method in METHODS for binding in method.rest)
    assert [door for door, count in doors.items() if count > 1] == []


@each_method
def test_whose_resource_is_named_is_said_wherever_one_is_named(method: MethodContract) -> None:
    named = [method.owner_field] if method.owner_field else []
    named += [field for _, field in method.also_names]
    assert len(named) == len(set(named)), "an id is named once"
    assert set(named) <= set(_ids_in(method.descriptor.input_type)), "what is named is an id in the request"
    assert (method.owner_field == "") == (method.owner_kind in ("", "self"))
    assert all(kind not in ("", "self") for kind, _ in method.also_names)
    if method.is_public:
        assert (method.owner_kind, method.also_names) == ("", ())
    else:
        assert set(_ids_in(method.descriptor.input_type)) <= set(named), "the request carries an id, and nothing says whose it is"


@each_method
def test_who_acts_for_a_user_owns_what_the_call_names(method: MethodContract) -> None:
    if method.owner_kind.startswith(("booking_", "offer_", "request_")):
        assert method.roles, "only an account can be the owner, and without roles none is asked for"


@each_method
def test_an_idempotency_key_is_for_what_cannot_be_repeated_without_one(method: MethodContract) -> None:
    if method.idempotency_key:
        assert method.has_side_effects
        assert method.descriptor.GetOptions().idempotency_level == 0
        assert not method.is_server_streaming


@each_method
def test_a_recent_proof_is_asked_of_people_alone(method: MethodContract) -> None:
    if method.needs_step_up:
        assert method.is_edge
        assert not method.is_public
        assert method.rate is not None


@each_method
def test_a_websocket_is_another_door_to_a_server_stream(method: MethodContract) -> None:
    if method.websocket_path:
        assert method.is_server_streaming
        assert method.is_edge
        assert all(binding.path != method.websocket_path for other in METHODS for binding in other.rest)


@each_method
def test_a_method_has_messages_of_its_own(method: MethodContract) -> None:
    assert method.descriptor.input_type.name == f"{method.name}Request"
    assert method.descriptor.output_type.name == f"{method.name}Response"
    assert method.descriptor.input_type.file is method.descriptor.containing_service.file


def test_there_is_something_at_every_side_of_these_rules() -> None:
    assert any(method.is_public for method in METHODS)
    assert any(method.websocket_path for method in METHODS)
    assert any(method.idempotency_key for method in METHODS)
    assert any(not method.is_edge for method in METHODS)
    assert any(method.needs_step_up for method in METHODS)
