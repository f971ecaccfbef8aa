"""What every answer has: the id of its request, one form of refusal at each door, compression where nothing in it is secret."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from marketplace.booking.v1.catalog_service_pb2 import Category, ListCategoriesResponse
from marketplace.user.v1.profile_service_pb2 import GetMyProfileResponse, Profile

from gateway import routes
from gateway.compression import is_compressible
from mesh import contract
from mesh.contract import Deprecation
from tests.gateway.backends import Backends
from tests.gateway.edge import Edge, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOG_IN = contract.find_method("/marketplace.auth.v1.AuthService/LogIn")
LIST_CATEGORIES = "/marketplace.booking.v1.CatalogService/ListCategories"
GET_PROFILE = contract.find_method("/marketplace.user.v1.ProfileService/GetMyProfile")
EVENTS = "/marketplace.realtime.v1.LiveService/Subscribe"
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "verb,path,headers,status",
    [
        ("GET", "/v1/categories", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/v1/profile", {}, 401),
        ("GET", "/v1/profile", {"authorization": "Bearer forged"}, 401),
        ("GET", "/v1/categories?made_up=1", {}, 400),
        ("GET", "/v1/categories?category%5fid=1", {}, 400),
        ("GET", "/v1/%2fcategories", {}, 400),
        ("GET", "/v1/categories", {"a_b": "underscore"}, 400),
        ("GET", "/v1/categories", {"padding": "x" * 20_000}, 431),
        ("POST", "/v1/sessions", {"content-length": "2000000"}, 413),
    ],
)
async def test_every_answer_over_rest_names_its_request(
    edge: Edge, verb: str, path: str, headers: dict[str, str], status: int
) -> None:
    content = b"x" * 2_000_000 if "content-length" in headers else None
    answer = await edge.rest.request(verb, f"http://{edge.settings.listen}{path}", headers=headers, content=content)
    assert answer.status_code == status
    assert REQUEST_ID.fullmatch(answer.headers["x-request-id"])


async def test_refusals_over_grpc_and_grpc_web_name_their_request_too(edge: Edge) -> None:
    for call in (edge.native(GET_PROFILE, {}), edge.web(GET_PROFILE.path, {})):
        assert REQUEST_ID.fullmatch((await call).request_id)


async def test_the_trace_of_a_call_is_its_request_unless_the_client_names_one_of_its_own(edge: Edge) -> None:
    refused = await edge.rest.post("/v1/sessions", json={})
    assert refused.headers["x-trace-id"] == refused.headers["x-request-id"].replace("-", "")
    refused = await edge.rest.post("/v1/sessions", json={}, headers={"traceparent": TRACEPARENT})
    assert refused.headers["x-trace-id"] == TRACEPARENT[3:35]
    answer = await edge.rest.get("/v1/categories")
    assert answer.headers["x-request-id"] == edge.backends.last().metadata["x-request-id"]


@pytest.mark.parametrize("email,reasons", [("a@b.example", ["password"]), ("x" * 300, ["email", "password"])])
async def test_a_refusal_has_the_same_status_reason_and_violations_at_every_door(
    edge: Edge, email: str, reasons: list[str]
) -> None:
    from marketplace.auth.v1.auth_service_pb2 import LogInRequest

    request = LogInRequest(email=email).SerializeToString()
    by_rest = await edge.rest.post("/v1/sessions", json={"email": email})
    statuses = [
        Parse(by_rest.text, Status()),
        await edge.native_status(LOG_IN, {}, request),
        await edge.web_status(LOG_IN.path, {}, request),
    ]
    assert statuses[0] == statuses[1] == statuses[2]
    info, violations = ErrorInfo(), BadRequest()
    assert statuses[0].details[0].Unpack(info)
    assert statuses[0].details[1].Unpack(violations)
    assert info.reason == "REQUEST_INVALID"
    assert [each.field for each in violations.field_violations] == reasons


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_a_large_json_answer_is_compressed_for_who_understands_it(edge: Edge, encoding: str) -> None:
    async def answer(_request: object) -> ListCategoriesResponse:
        return ListCategoriesResponse(categories=[Category(category_id=f"cat_{number}") for number in range(200)])

    edge.backends.behaviours[LIST_CATEGORIES] = answer
    plain = await edge.rest.get("/v1/categories", headers={"accept-encoding": "identity"})
    async with edge.rest.stream("GET", "/v1/categories", headers={"accept-encoding": encoding}) as packed:
        raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == encoding
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert len(raw) < len(plain.content) / 4
    web = await edge.rest.post(LIST_CATEGORIES, content=b"\0" * 5, headers={"content-type": "application/grpc-web+proto"})
    assert "content-encoding" not in web.headers


async def test_an_answer_that_may_hold_what_the_contract_calls_secret_is_never_compressed(edge: Edge) -> None:
    async def answer(_request: object) -> GetMyProfileResponse:
        return GetMyProfileResponse(profile=Profile(display_name="x" * 8000))

    edge.backends.behaviours[GET_PROFILE.path] = answer
    got = await edge.rest.get("/v1/profile", headers={"accept-encoding": "gzip, br", **edge.bearer()})
    assert len(got.content) > 8000
    assert "content-encoding" not in got.headers
    for path in (LOG_IN.path, GET_PROFILE.path, EVENTS):
        assert not is_compressible(contract.find_method(path))


async def test_small_answers_and_streams_go_out_as_they_are(edge: Edge) -> None:
    for path in ("/v1/categories", "/v1/live/events", "/healthz"):
        answer = await edge.rest.get(path, headers={"accept-encoding": "gzip, br", **edge.bearer()})
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


async def test_the_contracts_document_is_compressed(edge: Edge) -> None:
    answer = await edge.rest.get("/openapi.json", headers={"accept-encoding": "br;q=0.5, gzip;q=1"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["openapi"] == "3.1.0"


async def test_answers_of_a_deprecated_method_say_so_at_every_door(
    backends: Backends, edge_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deprecation = Deprecation(date(2026, 12, 1), date(2027, 6, 30))
    aged = tuple(replace(each, deprecation=deprecation) if each == GET_PROFILE else each for each in contract.methods())
    monkeypatch.setattr(routes, "methods", lambda: aged)
    told = {"deprecation": "@1796083200", "sunset": "Wed, 30 Jun 2027 00:00:00 GMT"}
    async with running_edge(backends, edge_folder) as edge:
        by_rest = await edge.rest.get("/v1/profile", headers=edge.bearer())
        content = {"content-type": "application/grpc-web+proto", **edge.bearer()}
        by_web = await edge.rest.post(GET_PROFILE.path, content=b"\0" * 5, headers=content)
        make: Any = edge.channel.unary_unary
        by_grpc = dict(await make(GET_PROFILE.path)(b"", metadata=list(edge.bearer().items())).initial_metadata())
        for headers in (by_rest.headers, by_web.headers, by_grpc):
            assert told.items() <= dict(headers).items()
        assert "deprecation" not in (await edge.rest.get("/v1/categories")).headers
