"""What browsers need: CORS for pages that may call, and WebSockets, whose token may come later."""

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.gateway.edge import ORIGIN, Edge

pytestmark = pytest.mark.asyncio(loop_scope="package")

PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,idempotency-key"}


@pytest.mark.parametrize("path", ["/v1/profile", "/v1/requests", "/marketplace.user.v1.ProfileService/GetMyProfile"])
async def test_a_page_that_may_call_is_told_so_before_it_does(edge: Edge, path: str) -> None:
    answer = await edge.rest.options(path, headers={"origin": ORIGIN, **PREFLIGHT})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert {"authorization", "idempotency-key", "x-grpc-web"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    local = await edge.rest.options(path, headers={"origin": "http://localhost:5173", **PREFLIGHT})
    assert local.headers["access-control-allow-origin"] == "http://localhost:5173"


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.example.evil.example", "null", "http://app.example"])
async def test_another_page_is_not_let_read_anything(edge: Edge, origin: str) -> None:
    preflight = await edge.rest.options("/v1/profile", headers={"origin": origin, **PREFLIGHT})
    assert preflight.status_code == 401
    answer = await edge.rest.get("/v1/profile", headers={"origin": origin, **edge.bearer()})
    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers


async def test_a_page_can_read_answers_refusals_and_their_details(edge: Edge) -> None:
    for headers in ({}, edge.bearer()):
        answer = await edge.rest.get("/v1/profile", headers={"origin": ORIGIN, **headers})
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        exposed = set(answer.headers["access-control-expose-headers"].split(", "))
        assert {"grpc-status", "grpc-message", "grpc-status-details-bin", "x-trace-id", "x-request-id"} <= exposed


@pytest.mark.parametrize("origin", [None, ORIGIN])
async def test_a_websocket_opens_with_and_without_a_token_in_its_header(edge: Edge, origin: str | None) -> None:
    for headers in ({}, edge.bearer()):
        url = f"ws://{edge.settings.listen}/v1/live"
        async with connect(url, origin=origin, additional_headers=headers) as socket:  # type: ignore[arg-type]  # any text
            await socket.send("frame")
            assert await socket.recv() == "frame"
        upgrade = edge.backends.upgrades[-1]
        assert upgrade["path"] == "/v1/live"
        assert upgrade["x-client-address"] == "127.0.0.1"
        assert upgrade.get("authorization") == headers.get("authorization")


@pytest.mark.parametrize(
    "origin,headers,path,status",
    [
        ("https://evil.example", {}, "/v1/live", 403),
        (None, {"authorization": "Bearer forged"}, "/v1/live", 401),
        (ORIGIN, {"authorization": "Bearer forged"}, "/v1/live", 401),
        (None, {}, "/v1/profile", 404),
        (None, {}, "/v1/live/", 404),
        (None, {}, "/v1/live?access_token=x", 200),
    ],
)
async def test_websockets_open_for_pages_that_may_connect_at_their_own_path_only(
    edge: Edge, origin: str | None, headers: dict[str, str], path: str, status: int
) -> None:
    url = f"ws://{edge.settings.listen}{path}"
    if status == 200:
        async with connect(url, origin=origin, additional_headers=headers):  # type: ignore[arg-type]
            return
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, origin=origin, additional_headers=headers):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == status
    assert edge.backends.upgrades == []
