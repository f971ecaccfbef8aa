"""Every method of the contract by every door: REST, gRPC, gRPC-web, and the ways that once led around the filters."""

from collections.abc import Iterator

import pytest

from mesh import contract
from mesh.contract import MethodContract
from tests.gateway.edge import Edge, came_from_service
from tests.gateway.samples import rest_calls

pytestmark = pytest.mark.asyncio(loop_scope="package")

METHODS = contract.methods()
PUBLIC = [method for method in METHODS if method.is_edge and method.is_public]
PRIVATE = [method for method in METHODS if method.is_edge and not method.is_public]
INTERNAL = [method for method in METHODS if not method.is_edge]


def _ids(methods: list[MethodContract]) -> list[str]:
    return [method.path.rpartition(".")[2] for method in methods]


def _detours(path: str) -> Iterator[str]:
    """Other ways to write the same path, and the same path with what is not in the contract."""
    start, rest = path[:2], path[2:]
    yield f"/{path}"
    yield path.replace("/", "//")
    yield f"/%{ord(start[1]):02X}{rest}"
    yield f"/%{ord(start[1]):02x}{rest}"
    yield f"/{path[1:].replace('/', '%2f')}"
    yield f"/%2F{path[1:]}"
    yield f"{path}/"
    yield f"{path}?made_up=1"
    yield f"{path};a=b"
    yield f"{path}%00"
    yield f"/x/..{path}"
    yield f"/%2e{path}"


@pytest.mark.parametrize("method", PRIVATE, ids=_ids(PRIVATE))
async def test_without_a_token_a_private_method_is_refused_by_rest_however_its_path_is_written(
    edge: Edge, method: MethodContract
) -> None:
    for verb, path, body in rest_calls(method):
        plain = await edge.rest.request(verb, path, json=body)
        assert plain.status_code == 401, plain.text
        for detour in _detours(path):
            answer = await edge.rest.request(verb, f"http://{edge.settings.listen}{detour}", json=body)
            assert answer.status_code in (400, 401, 404), (detour, answer.text)
            assert not came_from_service(answer.headers), f"{detour} led to a service"
    assert edge.backends.reached_paths() == []


@pytest.mark.parametrize("method", PRIVATE, ids=_ids(PRIVATE))
async def test_without_a_token_a_private_method_is_refused_by_grpc_and_grpc_web(edge: Edge, method: MethodContract) -> None:
    for outcome in (
        await edge.native(method, {}),
        await edge.web(method.path, {}),
        await edge.web(method.path, {}, is_text=True),
    ):
        assert (outcome.code, outcome.reason, outcome.came_from_service) == ("UNAUTHENTICATED", "TOKEN_MISSING", False)
    for path in (f"/{method.path}", f"{method.path}/", f"{method.path}?x=1", method.path.replace("/m", "/%6D")):
        assert not (await edge.web(path, {})).came_from_service
    assert edge.backends.reached_paths() == []


@pytest.mark.parametrize("method", METHODS, ids=_ids(list(METHODS)))
async def test_json_at_a_grpc_path_reaches_no_service(edge: Edge, method: MethodContract) -> None:
    for kind in ("application/json", "application/x-protobuf", "text/plain", ""):
        answer = await edge.rest.post(method.path, content=b"{}", headers={"content-type": kind, **edge.bearer()})
        assert answer.status_code == 404
        assert not came_from_service(answer.headers)
    assert edge.backends.reached_paths() == []


@pytest.mark.parametrize("method", PUBLIC, ids=_ids(PUBLIC))
async def test_a_public_method_is_answered_without_a_token_at_every_door(edge: Edge, method: MethodContract) -> None:
    for verb, path, body in rest_calls(method):
        answer = await edge.rest.request(verb, path, json=body)
        assert answer.status_code == 200 or came_from_service(answer.headers)
    assert (await edge.native(method, {})).came_from_service
    assert (await edge.web(method.path, {})).came_from_service
    assert (await edge.web(method.path, {}, is_text=True)).came_from_service


@pytest.mark.parametrize("method", PRIVATE, ids=_ids(PRIVATE))
async def test_with_a_token_a_method_is_answered_by_its_service_at_every_door(edge: Edge, method: MethodContract) -> None:
    token = edge.bearer()
    for verb, path, body in rest_calls(method):
        answer = await edge.rest.request(verb, path, json=body, headers=token)
        assert answer.status_code == 200 or came_from_service(answer.headers), answer.text
        doubled = await edge.rest.request(verb, f"http://{edge.settings.listen}/{path}", json=body, headers=token)
        assert doubled.status_code == answer.status_code
    assert (await edge.native(method, token)).came_from_service
    assert (await edge.web(method.path, token)).came_from_service
    assert (await edge.web(method.path, token, is_text=True)).came_from_service


@pytest.mark.parametrize("method", INTERNAL, ids=_ids(INTERNAL))
async def test_a_method_of_the_mesh_is_not_at_the_edge_even_with_a_token(edge: Edge, method: MethodContract) -> None:
    token = edge.bearer()
    outcomes = [await edge.native(method, token), await edge.web(method.path, token)]
    assert [outcome.code for outcome in outcomes] == ["UNIMPLEMENTED", "UNIMPLEMENTED"]
    assert {outcome.reason for outcome in outcomes} == {"PATH_UNKNOWN"}
    assert (await edge.native(method, {})).code == "UNAUTHENTICATED"
    assert edge.backends.reached_paths() == []
    assert method.rest == ()


@pytest.mark.parametrize("path", ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
async def test_what_servers_offer_beside_the_contract_is_not_at_the_edge(edge: Edge, path: str) -> None:
    assert (await edge.web(path, edge.bearer())).code == "UNIMPLEMENTED"
    assert (await edge.web(path, {})).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("path", ["/", "/v1", "/nothing", "/v1/live", "/admin", "/stats", "/metrics", "/v1/sessions/x"])
async def test_an_unknown_path_is_closed_without_a_token_and_not_found_with_one(edge: Edge, path: str) -> None:
    assert (await edge.rest.get(path, headers=edge.bearer())).status_code == 404
    if path != "/v1/live":  # there a token may come in the first frame
        assert (await edge.rest.get(path)).status_code == 401


async def test_a_public_path_is_public_for_its_own_verb_only(edge: Edge) -> None:
    assert (await edge.rest.get("/v1/sessions")).status_code == 401
    assert (await edge.rest.delete("/v1/accounts")).status_code == 401


async def test_the_edge_says_that_it_lives_and_gives_its_document_to_everybody(edge: Edge) -> None:
    assert (await edge.rest.get("/healthz")).json() == {"status": "ok"}
    document = await edge.rest.get("/openapi.json")
    assert document.headers["content-type"] == "application/json"
    assert document.json()["openapi"] == "3.1.0"


async def test_rest_is_served_over_http2_as_well(edge: Edge) -> None:
    answer = await edge.http2.get("/v1/categories")
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


async def test_a_server_stream_by_rest_is_one_json_object_a_line(edge: Edge) -> None:
    answer = await edge.rest.get("/v1/live/events", headers=edge.bearer())
    assert answer.text == "{}\n{}\n"
