"""The OpenAPI document: whole, well-formed [OpenAPI 3.1.0], and true to the contract."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.openapi import openapi_document
from mesh import contract

DOCUMENT = openapi_document()
OPERATIONS = {(path, verb): operation for path, operations in DOCUMENT["paths"].items() for verb, operation in operations.items()}
TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}


def _operation(name: str) -> Any:
    return next(operation for operation in OPERATIONS.values() if operation["operationId"] == name)


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from _walk(each)
    elif isinstance(node, list):
        for each in node:
            yield from _walk(each)


def test_every_rest_door_of_the_contract_is_there_and_nothing_else() -> None:
    doors = {
        (re.sub(r"\{([^}=]*)=[^}]*\}", r"{\1}", binding.path), binding.verb.lower())
        for method in contract.methods()
        if method.is_edge
        for binding in method.rest
    }
    assert set(OPERATIONS) == doors
    assert all(count == 1 for count in Counter(each["operationId"] for each in OPERATIONS.values()).values())


def test_every_reference_leads_somewhere_and_every_schema_is_used_or_carried_by_a_websocket() -> None:
    wanted = {node["$ref"] for node in _walk(DOCUMENT) if "$ref" in node}
    present = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert wanted <= present
    assert all(name.startswith("#/components/schemas/realtime.v1.") for name in present - wanted)


def test_component_names_types_and_patterns_are_what_the_specification_allows() -> None:
    for name in DOCUMENT["components"]["schemas"]:
        assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)
    for schema in _schemas():
        if "type" in schema:
            assert schema["type"] in TYPES
        if "pattern" in schema:
            re.compile(schema["pattern"])
        if "required" in schema:
            assert set(schema["required"]) <= set(schema["properties"])


def _schemas() -> Iterator[dict[str, Any]]:
    for node in _walk(DOCUMENT["components"]["schemas"]):
        if isinstance(node.get("type"), str):
            yield node


@pytest.mark.parametrize("path,verb", OPERATIONS, ids=lambda part: part)
def test_an_operation_is_well_formed(path: str, verb: str) -> None:
    operation = OPERATIONS[path, verb]
    assert operation["summary"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}
    in_path = [each["name"] for each in operation["parameters"] if each["in"] == "path"]
    assert sorted(in_path) == sorted(re.findall(r"\{(\w+)\}", path))
    assert all(each["required"] for each in operation["parameters"] if each["in"] == "path")
    places = [(each["in"], each["name"]) for each in operation["parameters"]]
    assert len(places) == len(set(places))
    assert {"200", "400", "429", "default"} <= set(operation["responses"])
    for response in operation["responses"].values():
        assert response["description"]
        assert "schema" in response["content"]["application/json"]
    assert ("requestBody" in operation) == (verb in ("post", "put", "patch"))


@pytest.mark.parametrize("method", [each for each in contract.methods() if each.is_edge], ids=lambda each: each.name)
def test_an_operation_tells_who_may_call_it(method: contract.MethodContract) -> None:
    operation = _operation(f"{method.service_full_name.rpartition('.')[2]}_{method.name}")
    assert operation["security"] == ([] if method.is_public else [{"token": []}])
    assert ("401" in operation["responses"]) or method.is_public
    assert operation["x-grpc-method"] == method.path
    keys = [each for each in operation["parameters"] if each["name"] == "idempotency-key"]
    assert [each["required"] for each in keys] == ([method.idempotency_key == "required"] if method.idempotency_key else [])


def test_every_element_has_its_comment() -> None:
    for node in _walk(DOCUMENT["components"]["schemas"]):
        for name, schema in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            if name not in ("@type", "metadata", "details"):
                assert schema.get("description"), name


def test_rules_of_the_contract_are_told_as_json_schema() -> None:
    accounts = _operation("AuthService_RegisterAccount")["requestBody"]["content"]["application/json"]["schema"]
    assert accounts["properties"]["password"] | {"description": ""} == {
        "type": "string",
        "minLength": 10,
        "maxLength": 128,
        "description": "",
    }
    assert accounts["properties"]["email"]["format"] == "email"
    assert accounts["properties"]["roles"]["minItems"] == 1
    assert accounts["properties"]["roles"]["uniqueItems"] is True
    assert accounts["properties"]["roles"]["items"]["enum"] == ["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_PROVIDER"]
    assert set(accounts["required"]) == {"email", "password", "display_name", "roles"}
    review = _operation("ReviewService_SubmitReview")["requestBody"]["content"]["application/json"]["schema"]
    assert "booking_id" not in review["properties"]
    assert (review["properties"]["rating"]["minimum"], review["properties"]["rating"]["maximum"]) == (1, 5)


def test_64_bit_integers_are_text_and_times_are_dates() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["common.v1.Money"]["properties"]["amount_minor"]["type"] == "string"
    assert schemas["chat.v1.ChatMessage"]["properties"]["send_time"]["format"] == "date-time"


def test_nested_messages_in_a_query_are_taken_apart() -> None:
    names = {each["name"] for each in _operation("BookingService_ListBookings")["parameters"]}
    assert names == {"page.page_size", "page.page_token"}


def test_refusals_name_the_reasons_that_the_comments_promise() -> None:
    responses = _operation("RequestService_AcceptOffer")["responses"]
    assert "`OFFER_NOT_FOUND`: there is no such offer" in responses["404"]["description"]
    for reason in ("OFFER_CLOSED", "SLOT_TAKEN", "PAYMENT_DECLINED"):
        assert f"`{reason}`" in responses["400"]["description"]


def test_streams_websockets_and_raw_bodies_are_described() -> None:
    stream = _operation("LiveService_Subscribe")
    assert "one JSON object a line" in stream["description"]
    assert "/v1/live" in stream["description"]
    assert "realtime.v1.ClientFrame" in DOCUMENT["components"]["schemas"]
    assert list(_operation("PaymentService_ReceiveStripeWebhook")["requestBody"]["content"]) == ["*/*"]


def test_what_only_the_mesh_calls_is_not_told() -> None:
    internal = [method for method in contract.methods() if not method.is_edge]
    text = str(DOCUMENT)
    for method in internal:
        assert method.name not in text
