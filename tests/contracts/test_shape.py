"""How the protos are written: comments everywhere, one package a service, events that can travel, secrets that are marked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor

from gateway.comments import comments
from gateway.image import commented_image
from mesh import contract

FILES = contract.files()
SERVICES = {method.service for method in contract.methods()}
PROTOS = Path(__file__).parents[2] / "protos"
SECRET = {"email", "password", "access_token", "refresh_token", "phone", "payment_method", "text", "secret", "card_number"}
PUBLIC_PLACES = {"marketplace.booking.v1.Offering.area_center", "marketplace.booking.v1.SetOfferingRequest.area_center"}
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removeprefix("marketplace/"))


def _messages(container: FileDescriptor | Descriptor) -> Iterator[Descriptor]:
    own = container.message_types_by_name if isinstance(container, FileDescriptor) else container.nested_types_by_name
    for message in own.values():
        yield message
        yield from _messages(message)


def _fields(file: FileDescriptor) -> Iterator[FieldDescriptor]:
    for message in _messages(file):
        yield from message.fields


def _elements(file: FileDescriptor) -> Iterator[str]:
    for service in file.services_by_name.values():
        yield service.full_name
        yield from (method.full_name for method in service.methods)
    enums = [*file.enum_types_by_name.values(), *(enum for message in _messages(file) for enum in message.enum_types)]
    for enum in enums:
        yield enum.full_name
        yield from (f"{enum.full_name}.{value.name}" for value in enum.values)
    for message in _messages(file):
        yield message.full_name
        yield from (field.full_name for field in message.fields)
        yield from (oneof.full_name for oneof in message.oneofs)


@each_file
def test_every_element_has_a_comment(file: FileDescriptor) -> None:
    assert [name for name in _elements(file) if not comments().get(name)] == []


@each_file
def test_every_file_says_what_it_is_for(file: FileDescriptor) -> None:
    proto = next(each for each in commented_image().file if each.name == file.name)
    assert any(list(place.path) == [12] and place.leading_comments.strip() for place in proto.source_code_info.location)


@each_file
def test_a_package_is_its_folder(file: FileDescriptor) -> None:
    assert file.package == file.name.rpartition("/")[0].replace("/", ".")
    assert file.package.startswith("marketplace.")
    assert (PROTOS / file.name).is_file()


@each_file
def test_a_file_has_at_most_one_grpc_service_and_events_are_by_themselves(file: FileDescriptor) -> None:
    assert len(file.services_by_name) <= 1
    is_event = {message.full_name in {event.type_name for event in contract.events()} for message in _messages(file)}
    assert is_event <= {file.name.endswith("/events.proto")}


def test_every_proto_is_part_of_the_contract() -> None:
    assert {file.name for file in FILES} == {path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto")}


def test_every_service_has_reasons_of_failure() -> None:
    names = {file.name for file in FILES}
    assert {f"marketplace/{service}/v1/error_reason.proto" for service in SERVICES} <= names


@pytest.mark.parametrize("event", contract.events(), ids=lambda event: event.type_name.removeprefix("marketplace."))
def test_an_event_travels_in_its_services_topic_by_the_id_of_what_it_is_about(event: contract.EventContract) -> None:
    assert event.service in SERVICES
    assert event.topic == f"marketplace.{event.service}.v1"
    key = event.message.DESCRIPTOR.fields_by_name[event.key_field]
    assert key.name.endswith("_id")
    assert key.cpp_type == key.CPPTYPE_STRING
    assert not key.is_repeated


@each_file
def test_secrets_and_personal_data_are_marked(file: FileDescriptor) -> None:
    unmarked = [field.full_name for field in _fields(file) if _is_sensitive(field) and not field.GetOptions().debug_redact]
    assert unmarked == []


def _is_sensitive(field: FieldDescriptor) -> bool:
    if field.message_type is not None and field.message_type.full_name == "marketplace.common.v1.GeoPoint":
        return field.full_name not in PUBLIC_PLACES
    return field.name in SECRET and field.cpp_type in (field.CPPTYPE_STRING, field.CPPTYPE_MESSAGE)


@each_file
def test_names_say_the_type(file: FileDescriptor) -> None:
    for field in _fields(file):
        is_time = field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp"
        assert field.name.endswith("_time") == is_time, field.full_name
        if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
            assert not {"amount", "price", "net", "commission", "fee"} & set(field.name.split("_")), "money is never a float"
        if field.cpp_type == field.CPPTYPE_BOOL and file.package != "marketplace.mesh.v1":
            assert field.name.startswith(("is_", "has_", "can_")) or field.name.endswith("_enabled"), field.full_name


def test_the_sensitive_fields_that_we_know_of_are_found() -> None:
    found = {field.full_name for file in FILES for field in _fields(file) if _is_sensitive(field)}
    assert {
        "marketplace.auth.v1.LogInRequest.password",
        "marketplace.auth.v1.Tokens.refresh_token",
        "marketplace.chat.v1.ChatMessage.text",
        "marketplace.realtime.v1.LocationPoint.point",
    } <= found
