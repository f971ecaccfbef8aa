import pytest
from marketplace.auth.v1 import auth_service_pb2
from marketplace.booking.v1 import events_pb2
from marketplace.user.v1 import profile_service_pb2

from mesh import contract
from mesh.contract import ContractError, RestBinding
from tests.mesh.protos import compile_proto, event_class


def test_a_method_is_read_with_all_that_its_policy_says() -> None:
    method = contract.find_method("/marketplace.user.v1.ProfileService/GetProvider")
    assert (method.service, method.service_full_name, method.name) == (
        "user",
        "marketplace.user.v1.ProfileService",
        "GetProvider",
    )
    assert (method.is_edge, method.is_public, method.roles) == (True, False, frozenset({"customer", "provider", "admin"}))
    assert (method.owner_kind, method.owner_field, method.deadline_seconds) == ("anyone", "provider_id", 2.0)
    assert (method.is_retriable, method.has_side_effects, method.idempotency_key) == (True, False, "")
    assert (method.request, method.response) == (
        profile_service_pb2.GetProviderRequest,
        profile_service_pb2.GetProviderResponse,
    )
    assert [binding.verb for binding in method.rest] == ["GET"]


def test_a_method_of_the_mesh_names_its_callers() -> None:
    method = contract.find_method("/marketplace.user.v1.ProfileService/BatchGetProviders")
    assert (method.is_edge, method.callers, len(method.rest)) == (False, frozenset({"booking"}), 0)


def test_every_id_in_a_request_is_read() -> None:
    method = contract.find_method("/marketplace.chat.v1.ChatService/SendMessage")
    assert (method.owner_kind, method.owner_field) == ("booking_party", "booking_id")
    assert method.also_names == (("callers_own", "client_message_id"),)


def test_every_door_of_a_method_is_read() -> None:
    service = compile_proto(
        "doors.proto",
        """
        syntax = "proto3";
        package marketplace.doors.v1;
        import "google/api/annotations.proto";
        import "marketplace/mesh/v1/policy.proto";
        message Thing { string name = 1; Thing part = 2; }
        service DoorService {
          rpc Put(Thing) returns (Thing) {
            option (google.api.http) = {
              put: "/v1/things/{name}" body: "part" response_body: "part"
              additional_bindings { custom { kind: "LOCK" path: "/v1/locks" } }
            };
            option (marketplace.mesh.v1.policy) = {
              exposure: EXPOSURE_EDGE, access: {public: true}, deadline: {seconds: 1 nanos: 500000000}
              rate: {requests: 5 per: {seconds: 60} scope: RATE_SCOPE_ADDRESS}, idempotency_key: IDEMPOTENCY_KEY_OPTIONAL
            };
          }
        }
        """,
    ).services_by_name["DoorService"]
    method = contract.read_method(service.methods[0])
    assert method.rest == (RestBinding("PUT", "/v1/things/{name}", "part", "part"), RestBinding("LOCK", "/v1/locks", "", ""))
    assert (method.deadline_seconds, method.rate) == (1.5, contract.Rate(5, 60.0, "address"))
    assert (method.idempotency_key, method.is_retriable, method.has_side_effects) == ("optional", True, True)


def test_a_method_without_a_policy_is_a_mistake_of_the_contract() -> None:
    service = compile_proto(
        "bare.proto",
        'syntax = "proto3"; package marketplace.bare.v1; message M {} service BareService { rpc Do(M) returns (M); }',
    ).services_by_name["BareService"]
    with pytest.raises(ContractError, match="BareService/Do has no"):
        contract.read_method(service.methods[0])


@pytest.mark.parametrize(
    "name,is_deprecated,days,problem",
    [
        ("undated", "true", "", "or neither"),
        ("dated", "false", 'since: "2026-12-01"', "or neither"),
        ("unreadable", "true", 'since: "next year"', "YYYY-MM-DD"),
        ("endless", "true", 'sunset: "2027-06-30"', "YYYY-MM-DD"),
    ],
)
def test_a_deprecated_method_says_since_when(name: str, is_deprecated: str, days: str, problem: str) -> None:
    deprecation = f"deprecation: {{{days}}}" if days else ""
    service = compile_proto(
        f"{name}.proto",
        f"""
        syntax = "proto3";
        package marketplace.{name}.v1;
        import "marketplace/mesh/v1/policy.proto";
        message M {{}}
        service OldService {{
          rpc Do(M) returns (M) {{
            option deprecated = {is_deprecated};
            option (marketplace.mesh.v1.policy) = {{exposure: EXPOSURE_MESH, deadline: {{seconds: 1}} {deprecation}}};
          }}
        }}
        """,
    ).services_by_name["OldService"]
    with pytest.raises(ContractError, match=problem):
        contract.read_method(service.methods[0])


@pytest.mark.parametrize("path", ["/marketplace.user.v1.ProfileService/Nothing", "/nobody.v1.Service/Do", "", "/", "GetProvider"])
def test_what_is_no_method_is_told_as_such(path: str) -> None:
    with pytest.raises(ContractError, match="is not a method"):
        contract.find_method(path)


def test_an_event_knows_its_topic_its_key_and_its_publisher() -> None:
    event = contract.event_of(events_pb2.BookingConfirmed)
    assert (event.service, event.topic, event.key_field) == ("booking", "marketplace.booking.v1", "booking_id")
    assert event.type_name == "marketplace.booking.v1.BookingConfirmed"
    assert event in contract.events()


def test_a_message_that_is_no_event_is_told_as_such() -> None:
    with pytest.raises(ContractError, match="has no"):
        contract.event_of(auth_service_pb2.LogInRequest)


def test_an_event_whose_key_is_not_one_of_its_fields_is_a_mistake_of_the_contract() -> None:
    from google.protobuf import message_factory

    file = compile_proto(
        "keyless.proto",
        """
        syntax = "proto3";
        package marketplace.keyless.v1;
        import "marketplace/mesh/v1/policy.proto";
        message Gone { option (marketplace.mesh.v1.event) = {topic: "marketplace.keyless.v1" key: "id"}; string name = 1; }
        """,
    )
    with pytest.raises(ContractError, match="'id' is not one of its fields"):
        contract.event_of(message_factory.GetMessageClass(file.message_types_by_name["Gone"]))


def test_only_services_with_events_of_their_own_publish() -> None:
    assert contract.publishes("booking")
    assert not contract.publishes("analytics")


def test_contracts_that_tests_compile_are_found_beside_the_real_ones_but_not_listed() -> None:
    event = contract.event_of(event_class("beside"))
    assert event.topic == "marketplace.beside.v1"
    assert event not in contract.events()
