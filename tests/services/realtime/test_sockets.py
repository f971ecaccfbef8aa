"""The WebSocket door: the same frames as the stream, a reason for every refusal and for every end, nobody but the edge at it."""

import asyncio
import json
import ssl
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client import REGISTRY
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mesh.storage.bell import Bell
from services.realtime.model import PaymentNotice, Told
from services.realtime.servicer import session
from services.realtime.store.history import StoredHistory
from tests.mesh.waiting import until
from tests.services.realtime.conftest import Live, Socket, point
from tests.support.service import Backing


async def test_a_socket_carries_what_the_stream_does_as_json(live: Live) -> None:
    async with live.socket(live.provider) as socket:
        start = await socket.opened()
        offer_id = await live.offer()
        frame = await socket.next()
    assert frame["offer"] == {"offer_id": offer_id, "request_id": "req_1", "category_id": "electrical"}
    assert frame["position"] == {"epoch": start["epoch"], "offset": str(int(start["offset"]) + 1)}


async def test_a_socket_resumes_where_another_one_stopped(live: Live) -> None:
    async with live.socket(live.provider) as socket:
        position = await socket.opened()
    missed = await live.offer()
    async with live.socket(live.provider) as socket:
        await socket.send(subscribe={"resume_from": position})
        assert (await socket.next())["subscribed"] == {"is_recovered": True, "position": position}
        assert (await socket.next())["offer"]["offer_id"] == missed


async def test_the_token_may_come_in_the_first_frame(live: Live) -> None:
    async with live.socket() as socket:
        await socket.send(authenticate={"access_token": live.customer.token})
        await socket.opened()


@pytest.mark.parametrize(
    "frame, reason",
    [
        ({"subscribe": {}}, "TOKEN_MISSING"),
        ({"authenticate": {"access_token": "x"}}, "TOKEN_INVALID"),
        ({"authenticate": {}}, "REQUEST_INVALID"),
        ({}, "FRAME_INVALID"),
    ],
)
async def test_without_a_good_token_a_socket_ends_with_the_reason(live: Live, frame: dict[str, Any], reason: str) -> None:
    async with live.socket() as socket:
        await socket.send(**frame)
        assert await socket.end() == (1008, reason)


async def test_a_socket_that_says_nothing_ends(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_AUTHENTICATE_SECONDS", 0.2)
    async with live.socket() as socket:
        assert await socket.end() == (1008, "TOKEN_MISSING")


async def test_a_forged_token_in_the_header_ends_a_socket(live: Live, backing: Backing) -> None:
    account = backing.account("customer")
    forged = type(account)(account.account_id, account.roles, account.session_id, account.token[:-4] + "AAAA")
    async with live.socket(forged) as socket:
        assert await socket.end() == (1008, "TOKEN_INVALID")


@pytest.mark.parametrize("live", [{"HEARTBEAT_SECONDS": "0.2"}], indirect=True)
async def test_a_fresher_token_keeps_a_socket_open_and_its_end_closes_it(live: Live, backing: Backing) -> None:
    verifier = live.service.runtime.verifier
    async with live.socket(live.customer) as socket:
        await socket.opened()
        fresher = backing.signer.account("customer", account_id=live.customer.account_id)
        await socket.send(authenticate={"access_token": fresher.token})
        await _heartbeats(socket, 2)
        verifier._verified.pop(live.customer.token, None)
        await _heartbeats(socket, 2)
        other = backing.account("customer")
        await socket.send(authenticate={"access_token": other.token})
        assert await _refusal(socket) == "FRAME_INVALID"
        verifier._verified.clear()
        verifier._audience = "elsewhere"
        assert await socket.end() == (1008, "TOKEN_INVALID")


async def _heartbeats(socket: Socket, count: int) -> None:
    for _ in range(count):
        assert "heartbeat" in await socket.next()


async def _refusal(socket: Socket) -> str:
    while True:
        frame = await socket.next()
        if "refused" in frame:
            return str(frame["refused"]["reason"])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"subscribe": {"unknown": 1}}', '{"nothing": {}}', "[" * 5000, '{"subscribe": {"booking_id": 7}}'],
    ids=lambda text: text[:20] or "empty",
)
async def test_a_frame_that_cannot_be_read_is_refused_and_the_socket_stays(live: Live, text: str) -> None:
    async with live.socket(live.customer) as socket:
        await socket.connection.send(text)
        assert await _refusal(socket) == "FRAME_INVALID"
        await socket.connection.send(text.encode())
        assert await _refusal(socket) == "FRAME_INVALID"
        await socket.opened()


async def test_frames_are_held_against_the_rules_of_the_contract(live: Live) -> None:
    async with live.socket(live.provider) as socket:
        for frame in (
            {"subscribe": {"booking_id": "nonsense"}},
            {"locations": {"booking_id": live.booking.booking_id, "points": []}},
            {"locations": {"booking_id": live.booking.booking_id, "points": [_point(latitude=91)]}},
        ):
            await socket.send(**frame)
            assert await _refusal(socket) == "REQUEST_INVALID"


async def test_locations_by_socket_reach_who_watches(live: Live) -> None:
    async with live.socket(live.customer) as customer, live.socket(live.provider) as provider:
        await customer.opened()
        await customer.send(subscribe={"booking_id": live.booking.booking_id})
        await provider.send(locations={"booking_id": live.booking.booking_id, "points": [_point()]})
        frame = await customer.next()
        assert frame["location"]["point"]["point"] == {"latitude": -23.5, "longitude": -46.6}


async def test_strangers_and_those_without_the_role_are_refused(live: Live, backing: Backing) -> None:
    stranger = backing.account("provider")
    async with live.socket(stranger) as socket:
        await socket.opened()
        await socket.send(subscribe={"booking_id": live.booking.booking_id})
        assert await _refusal(socket) == "BOOKING_NOT_FOUND"
        await socket.send(locations={"booking_id": live.booking.booking_id, "points": [_point()]})
        assert await _refusal(socket) == "BOOKING_NOT_FOUND"
    async with live.socket(live.customer) as socket:
        await socket.send(locations={"booking_id": live.booking.booking_id, "points": [_point()]})
        assert await _refusal(socket) == "ROLE_REQUIRED"
    async with live.socket(backing.account("robot")) as socket:
        assert await socket.end() == (1008, "ROLE_REQUIRED")


async def test_a_flood_of_frames_ends_a_socket(live: Live) -> None:
    async with live.socket(live.customer) as socket:
        with pytest.raises(ConnectionClosed):
            await _flood(socket)
        assert await socket.end() == (1013, "TOO_MANY_FRAMES")


async def _flood(socket: Socket) -> None:
    for _ in range(1000):
        await socket.connection.send("{}")
        await socket.next()


async def test_a_frame_that_is_too_large_ends_a_socket(live: Live) -> None:
    async with live.socket(live.customer) as socket:
        await socket.connection.send(json.dumps({"authenticate": {"access_token": "x" * 33_000}}))
        code, _ = await socket.end()
        assert code == 1009


@pytest.mark.parametrize("live", [{"MAX_OPEN_STREAMS": "1"}], indirect=True)
async def test_more_sockets_than_a_process_takes_are_refused_at_once(live: Live) -> None:
    async with live.socket(live.customer) as socket:
        await socket.opened()
        with pytest.raises(InvalidStatus) as refused:
            async with live.socket(live.provider):
                pass
        assert refused.value.response.status_code == 503


async def test_nobody_but_the_edge_may_connect(live: Live) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(live.customer, certificate="booking"):
            pass
    assert refused.value.response.status_code == 403
    context = ssl.create_default_context(cafile=str(live.backing.certificate("gateway").ca_file))
    reader, writer = await asyncio.open_connection("127.0.0.1", live.websocket_port, ssl=context, server_hostname="realtime")
    writer.write(b"GET /v1/live HTTP/1.1\r\nhost: realtime\r\n\r\n")
    answer = b""
    with suppress(ssl.SSLError, ConnectionError):  # the alert is lost when the connection is closed sooner
        answer = await reader.read()
    writer.close()
    assert answer == b""


async def test_another_path_is_not_served(live: Live) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(live.customer, path="/v1/other"):
            pass
    assert refused.value.response.status_code == 404


async def test_when_the_process_stops_sockets_are_told_to_go_on_elsewhere(live: Live) -> None:
    async with live.socket(live.customer) as socket:
        await socket.opened()
        await live.service.runtime._stopping[-1]()
        assert await socket.end() == (1012, "SERVICE_STOPPING")


async def test_a_client_that_does_not_read_is_cut_off(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SEND_SECONDS", 0.3)
    async with live.socket(live.provider) as socket:
        await socket.opened()
        socket.connection.transport.pause_reading()
        await until(lambda: _offer_while_open(live), 30, "the socket is cut off")


async def _offer_while_open(live: Live) -> bool:
    """Fills the socket's buffers a little more; True when it is gone."""
    history, account_id = StoredHistory(live.service.runtime.redis, 10_000), live.provider.account_id
    for _ in range(10):
        live.sequence += 1
        await history.add(
            account_id, str(live.sequence), Told(PaymentNotice("bkg_" + "x" * 200_000, "voided"), datetime.now(UTC))
        )
    await Bell(live.service.runtime.redis, "live:bell").ring(account_id)
    return REGISTRY.get_sample_value("realtime_sockets_open") == 0


def _point(**changes: float) -> dict[str, Any]:
    made = point()
    place = {"latitude": made.point.latitude, "longitude": made.point.longitude, **changes}
    return {"point": place, "measure_time": made.measure_time.ToJsonString(), "accuracy_meters": 5}
