"""Headers that gRPC reads itself are not for clients to set: none can break a call, least of all somebody else's."""

from typing import Any

import grpc
import pytest
from marketplace.auth.v1.auth_service_pb2 import LogInRequest
from marketplace.booking.v1.catalog_service_pb2 import ListCategoriesRequest

from mesh import contract
from tests.gateway.edge import Edge, reason_of

pytestmark = pytest.mark.asyncio(loop_scope="package")

LIST_CATEGORIES = contract.find_method("/marketplace.booking.v1.CatalogService/ListCategories")
RESERVED = [
    ("grpc-timeout", "1H"),
    ("grpc-timeout", "99999999S"),
    ("ed^x", "x"),
    ("a~b", "x"),
    ("grpc-accept-encoding", "nope"),
    ("grpc-internal-encoding-request", "x"),
    ("grpc-status", "x"),
    ("grpc-message", "%zz"),
    ("grpc-previous-rpc-attempts", "x"),
    ("grpc-retry-pushback-ms", "x"),
    ("grpc-trace-bin", "@@"),
    ("grpc-tags-bin", "@@"),
    ("grpc-server-stats-bin", "@@"),
    ("grpc-status-details-bin", "@@"),
    ("lb-token", "x"),
    ("lb-cost-bin", "@@"),
    ("endpoint-load-metrics-bin", "@@"),
    ("anything-bin", "@@"),
    ("x-envoy-peer-metadata", "@@"),
]


@pytest.mark.parametrize("header", RESERVED, ids="=".join)
async def test_a_header_of_grpcs_own_breaks_no_call(edge: Edge, header: tuple[str, str]) -> None:
    for _ in range(3):
        answer = await edge.rest.get("/v1/categories", headers=dict([header]))
        assert answer.status_code == 200, answer.text
    outcome = await edge.web(LIST_CATEGORIES.path, dict([header]))
    assert outcome.code == "OK"


@pytest.mark.parametrize("timeout", ["x", "1", "S", "-1S", "1.5S", "999999999S", "1s", "1S;", "1S,1S", "0S", "00000000n"])
async def test_a_deadline_that_is_none_is_refused(edge: Edge, timeout: str) -> None:
    answer = await edge.rest.get("/v1/categories", headers={"grpc-timeout": timeout})
    assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    assert "grpc-timeout" in answer.json()["message"]
    outcome = await edge.web(LIST_CATEGORIES.path, {"grpc-timeout": timeout})
    assert (outcome.code, outcome.reason, outcome.came_from_service) == ("INVALID_ARGUMENT", "REQUEST_INVALID", False)


@pytest.mark.parametrize("encoding", ["nope", "gzip, gzip", "GZIP"])
async def test_a_compression_that_nobody_knows_is_refused(edge: Edge, encoding: str) -> None:
    answer = await edge.rest.get("/v1/categories", headers={"grpc-encoding": encoding})
    assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    outcome = await edge.web(LIST_CATEGORIES.path, {"grpc-encoding": encoding})
    assert (outcome.code, outcome.reason, outcome.came_from_service) == ("INVALID_ARGUMENT", "REQUEST_INVALID", False)


@pytest.mark.parametrize("encoding", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_a_client_may_compress_what_it_sends(edge: Edge, encoding: grpc.Compression) -> None:
    request = LogInRequest(email="x@example.com", password="x" * 120)
    make: Any = edge.channel.unary_unary
    await make("/marketplace.auth.v1.AuthService/LogIn")(request.SerializeToString(), compression=encoding)
    assert edge.backends.last().request == request


async def test_a_malformed_header_of_one_client_harms_no_other(edge: Edge) -> None:
    for _ in range(30):
        answer = await edge.rest.get("/v1/categories", headers={"grpc-timeout": "x", "anything-bin": "@@"})
        assert answer.status_code == 400
    for _ in range(10):
        outcome = await edge.native(LIST_CATEGORIES, {}, ListCategoriesRequest(), timeout=5)
        assert outcome.code == "OK"
