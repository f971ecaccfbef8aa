"""How often, how long and how many times: rates, deadlines and retries as the contract says."""

import asyncio
import time
from pathlib import Path

import pytest
from google.protobuf.message import Message
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from mesh import contract
from mesh.errors import Unavailable
from tests.gateway.backends import Backends, start_server
from tests.gateway.edge import Edge, reason_of, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="package")

GET_PROFILE = contract.find_method("/marketplace.user.v1.ProfileService/GetMyProfile")
LIST_OFFERS = contract.find_method("/marketplace.booking.v1.RequestService/ListOffers")
LOG_IN = contract.find_method("/marketplace.auth.v1.AuthService/LogIn")


async def test_beyond_its_rate_a_caller_is_told_when_to_come_again_and_others_are_not_disturbed(
    backends: Backends, edge_folder: Path
) -> None:
    async with running_edge(backends, edge_folder, rate_scale=0.01) as edge:  # 3 calls in 60 s of what allows 300
        greedy, other = edge.bearer(sub="acc_greedy"), edge.bearer(sub="acc_other")
        statuses = [(await edge.rest.get("/v1/profile", headers=greedy)).status_code for _ in range(3)]
        assert statuses == [200, 200, 200]
        refused = await edge.rest.get("/v1/profile", headers=greedy)
        assert (refused.status_code, reason_of(refused)) == (429, "RATE_LIMITED")
        assert refused.headers["retry-after"] == "20"
        assert refused.json()["details"][1]["retry_delay"] == "20s"
        for outcome in (await edge.native(GET_PROFILE, greedy), await edge.web(GET_PROFILE.path, greedy)):
            assert (outcome.code, outcome.reason, outcome.came_from_service) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED", False)
        assert (await edge.rest.get("/v1/profile", headers=other)).status_code == 200
        assert (await edge.rest.get("/v1/offers", headers=greedy)).status_code == 200, "each method has a bucket of its own"


async def test_what_is_public_is_limited_by_address(backends: Backends, edge_folder: Path) -> None:
    async with running_edge(
        backends, edge_folder, rate_scale=0.1, trusted_proxies=1
    ) as edge:  # 3 calls in 60 s of what allows 30
        crowd = [{"x-forwarded-for": "198.51.100.1", **edge.bearer(sub=f"acc_{number}")} for number in range(4)]
        answers = [await edge.rest.post("/v1/sessions", json={}, headers=headers) for headers in crowd]
        assert [answer.status_code for answer in answers] == [400, 400, 400, 429]
        elsewhere = await edge.rest.post("/v1/sessions", json={}, headers={"x-forwarded-for": "198.51.100.2"})
        assert elsewhere.status_code == 400
        first_of_two = {"x-forwarded-for": "203.0.113.5, 198.51.100.1"}
        assert (await edge.rest.post("/v1/sessions", json={}, headers=first_of_two)).status_code == 429


async def test_websockets_are_limited_by_address_whoever_opens_them(backends: Backends, edge_folder: Path) -> None:
    async with running_edge(backends, edge_folder, rate_scale=0.05) as edge:  # 3 in 60 s of what allows 60
        url = f"ws://{edge.settings.listen}/v1/live"
        for number in range(3):
            async with connect(url, additional_headers=edge.bearer(sub=f"acc_{number}")):
                pass
        with pytest.raises(InvalidStatus) as refused:
            async with connect(url, additional_headers=edge.bearer(sub="acc_other")):
                pass
        assert refused.value.response.status_code == 429
        assert refused.value.response.headers["retry-after"] == "20"
    assert len(backends.upgrades) == 3


async def test_a_call_that_the_service_cannot_take_is_repeated_only_where_the_contract_allows_it(edge: Edge) -> None:
    attempts: list[str] = []

    async def refuse(_request: object) -> Message:
        attempts.append("")
        raise Unavailable("DEPENDENCY_UNAVAILABLE", "Not now.")

    edge.backends.behaviours[GET_PROFILE.path] = edge.backends.behaviours[LOG_IN.path] = refuse
    answer = await edge.rest.get("/v1/profile", headers=edge.bearer())
    assert (answer.status_code, reason_of(answer), len(attempts)) == (503, "DEPENDENCY_UNAVAILABLE", 3)
    attempts.clear()
    answer = await edge.rest.post("/v1/sessions", json={"email": "a", "password": "b"})
    assert (answer.status_code, len(attempts)) == (503, 1)


async def test_retries_succeed_unseen(edge: Edge) -> None:
    attempts: list[str] = []

    async def refuse_once(_request: object) -> Message:
        attempts.append("")
        if len(attempts) == 1:
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "Not now.")
        return GET_PROFILE.response()

    edge.backends.behaviours[GET_PROFILE.path] = refuse_once
    assert (await edge.rest.get("/v1/profile", headers=edge.bearer())).status_code == 200
    assert len(attempts) == 2


async def test_a_call_ends_at_the_contracts_deadline_and_at_the_clients_when_that_is_sooner(edge: Edge) -> None:
    async def hang(_request: object) -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    edge.backends.behaviours[GET_PROFILE.path] = hang
    started = time.monotonic()
    answer = await edge.rest.get("/v1/profile", headers=edge.bearer())
    assert (answer.status_code, reason_of(answer)) == (504, "DEADLINE_PASSED")
    assert GET_PROFILE.deadline_seconds <= time.monotonic() - started < GET_PROFILE.deadline_seconds + 1
    started = time.monotonic()
    outcome = await edge.native(GET_PROFILE, edge.bearer(), timeout=0.3)
    assert outcome.code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 1
    left = edge.backends.last().seconds_left
    assert left is not None
    assert left < 0.35  # gRPC rounds what it tells the next hop


async def test_a_stream_stays_open_beyond_every_deadline_of_unary_calls(edge: Edge) -> None:
    stream = contract.find_method("/marketplace.chat.v1.ChatService/StreamMessages")

    async def after_a_while(_request: object) -> Message:
        await asyncio.sleep(3)
        return stream.response()

    edge.backends.behaviours[stream.path] = after_a_while
    answer = await edge.rest.get(f"/v1/bookings/bkg_{'0' * 26}/messages:stream", headers=edge.bearer())
    assert answer.status_code == 200
    assert answer.text == "{}\n{}\n"


async def test_a_service_that_is_gone_is_told_as_such_and_comes_back_by_itself(edge: Edge) -> None:
    port = edge.backends.servers["analytics"].port
    await edge.backends.servers["analytics"].stop()
    try:
        answer = await edge.rest.get("/v1/analytics/overview", headers=edge.bearer())
        assert (answer.status_code, reason_of(answer)) == (503, "DEPENDENCY_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
    finally:
        edge.backends.servers["analytics"] = await start_server(edge.backends, "analytics", port)
    give_up = time.monotonic() + 10
    while (await edge.rest.get("/v1/analytics/overview", headers=edge.bearer())).status_code != 200:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)


async def test_the_edge_speaks_only_to_the_service_that_the_certificate_names(backends: Backends, edge_folder: Path) -> None:
    swapped = backends.addresses() | {"chat": backends.addresses()["booking"]}
    async with running_edge(backends, edge_folder, services=swapped) as edge:
        answer = await edge.rest.get(f"/v1/bookings/bkg_{'0' * 26}/messages", headers=edge.bearer())
        assert (answer.status_code, reason_of(answer)) == (503, "DEPENDENCY_UNAVAILABLE")
        assert (await edge.rest.get("/v1/offers", headers=edge.bearer())).status_code == 200
    assert backends.reached_paths() == [LIST_OFFERS.path]
