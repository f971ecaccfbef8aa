"""What comes through to a service, what is taken away, and what is refused because of its form."""

import json
from pathlib import Path

import pytest

from mesh import contract
from tests.gateway.backends import Backends
from tests.gateway.edge import Edge, reason_of, running_edge

pytestmark = pytest.mark.asyncio(loop_scope="package")

LOG_IN = contract.find_method("/marketplace.auth.v1.AuthService/LogIn")
MEBIBYTE = 1 << 20


async def test_headers_that_say_who_calls_never_reach_a_service(edge: Edge) -> None:
    spoofed = {
        "x-user-id": "acc_victim",
        "x-account-id": "acc_victim",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-client-cert": "URI=spiffe://marketplace/booking",
        "x-forwarded-proto": "https",
        "x-real-ip": "203.0.113.9",
        "x-client-address": "203.0.113.9",
        "x-envoy-internal": "true",
        "x-envoy-external-address": "203.0.113.9",
        "x-envoy-upstream-rq-timeout-ms": "3600000",
        "x-envoy-retry-on": "5xx",
        "x-envoy-max-retries": "50",
        "x-envoy-original-path": "/elsewhere",
        "x-request-id": "chosen",
        "X-Trace-Id": "chosen",
    }
    for headers in (spoofed, {}):
        await edge.rest.get("/v1/categories", headers=headers)
        seen = {name: value for name, value in edge.backends.last().metadata.items() if name.startswith("x-")}
        request_id = seen.pop("x-request-id")
        assert len(str(request_id)) == 36
        assert seen == {
            "x-client-address": "127.0.0.1",
            "x-envoy-original-path": "/v1/categories",
            "x-envoy-original-method": "GET",
        }


async def test_the_address_of_the_client_is_what_the_trusted_proxy_says_and_no_other(
    backends: Backends, edge_folder: Path
) -> None:
    async with running_edge(backends, edge_folder, trusted_proxies=1) as edge:
        for claimed in ("198.51.100.7", "203.0.113.9, 198.51.100.7"):
            headers = {"x-forwarded-for": claimed, "edge-forwarded-for": "203.0.113.1", "x-user-id": "acc_victim"}
            await edge.rest.get("/v1/categories", headers=headers)
            metadata = backends.last().metadata
            assert metadata["x-client-address"] == "198.51.100.7"
            assert {"x-forwarded-for", "edge-forwarded-for", "x-user-id"}.isdisjoint(metadata)


async def test_headers_that_services_need_reach_them(edge: Edge) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    body = {
        "category_id": "electrical",
        "start_time": "2030-01-01T10:00:00Z",
        "duration": "3600s",
        "place": {"latitude": 1, "longitude": 2},
        "payment_method": "pm_card",
    }
    sent = {"idempotency-key": "key-1", "traceparent": trace, **edge.bearer("customer")}
    answer = await edge.rest.post("/v1/requests", json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    assert sent.items() <= edge.backends.last().metadata.items()


async def test_a_webhook_reaches_payment_byte_for_byte_with_its_signature(edge: Edge) -> None:
    raw = bytes(range(256)) * 4 + b'{"id": "evt_1",  "amount": 1.50}\n'
    answer = await edge.rest.post(
        "/v1/webhooks/stripe", content=raw, headers={"stripe-signature": "t=1,v1=abc", "content-type": "application/json"}
    )
    assert answer.status_code == 200
    reached = edge.backends.last()
    assert reached.request.payload.data == raw  # type: ignore[attr-defined]  # a ReceiveStripeWebhookRequest
    assert reached.metadata["stripe-signature"] == "t=1,v1=abc"


async def test_a_body_up_to_the_limit_passes_and_a_larger_one_is_refused(edge: Edge) -> None:
    fits = await edge.rest.post("/v1/webhooks/stripe", content=b"x" * (MEBIBYTE - 1024))
    assert fits.status_code == 200
    edge.backends.forget()
    for content in (b"x" * (MEBIBYTE + 1), json.dumps({"email": "x" * MEBIBYTE, "password": ""}).encode()):
        for path in ("/v1/webhooks/stripe", "/v1/sessions"):
            answer = await edge.rest.post(path, content=content)
            assert (answer.status_code, reason_of(answer)) == (413, "REQUEST_TOO_LARGE")
    from marketplace.auth.v1.auth_service_pb2 import LogInRequest

    outcome = await edge.native(LOG_IN, {}, LogInRequest(email="x" * MEBIBYTE, password="x"))
    assert outcome.code == "RESOURCE_EXHAUSTED"
    assert edge.backends.reached_paths() == []


async def test_a_body_without_a_stated_length_is_held_to_the_limit_too(edge: Edge) -> None:
    async def pieces() -> object:
        for _ in range(24):
            yield b"x" * (64 << 10)

    answer = await edge.rest.post("/v1/webhooks/stripe", content=pieces())  # type: ignore[arg-type]  # an async iterator
    assert answer.status_code == 413
    assert edge.backends.reached_paths() == []


@pytest.mark.parametrize(
    "query", ["made_up=1", "account_id=acc_victim", "access_token=x", "page.made_up=1", "page.page_size=many"]
)
async def test_query_parameters_that_the_contract_does_not_have_are_refused(edge: Edge, query: str) -> None:
    answer = await edge.rest.get(f"/v1/bookings?{query}", headers=edge.bearer())
    assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    assert edge.backends.reached_paths() == []


async def test_a_query_parameter_cannot_set_what_the_path_or_the_body_says(edge: Edge) -> None:
    path = f"/v1/bookings/bkg_{'0' * 26}/reviews"
    other = f"bkg_{'1' * 26}"
    for query in (f"booking_id={other}", f"bookingId={other}", "rating=5", "comment=x", "%72ating=5"):
        answer = await edge.rest.post(f"{path}?{query}", json={"rating": 1}, headers=edge.bearer())
        assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    for name in ("booking_id", "bookingId", "booking%5Fid", "booking%5fid", "%62ooking_id", "after_sequence=1&booking_id"):
        answer = await edge.rest.get(f"/v1/bookings/bkg_{'0' * 26}/messages?{name}={other}", headers=edge.bearer())
        assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    assert edge.backends.reached_paths() == []


async def test_values_in_a_query_string_may_have_any_character(edge: Edge) -> None:
    answer = await edge.rest.get("/v1/bookings?page.page_token=a?b%3D%26booking_id%20&page.page_size=3", headers=edge.bearer())
    assert answer.status_code == 200
    assert edge.backends.last().request.page.page_token == "a?b=&booking_id "  # type: ignore[attr-defined]


async def test_a_body_cannot_set_what_the_path_says(edge: Edge) -> None:
    mine, other = f"bkg_{'0' * 26}", f"bkg_{'1' * 26}"
    answer = await edge.rest.post(f"/v1/bookings/{mine}/reviews", json={"rating": 1, "booking_id": other}, headers=edge.bearer())
    reached = [call.request.booking_id for call in edge.backends.reached if call.path.endswith("SubmitReview")]  # type: ignore[attr-defined]
    assert answer.status_code == 400 or reached == [mine]
    assert other not in reached


@pytest.mark.parametrize(
    "body", ["{", "[]", "nothing", '{"email": 1}', '{"email": {}}', '{"email": "a"} {"email": "b"}', "[" * 5000]
)
async def test_a_body_that_is_not_json_of_the_message_is_refused(edge: Edge, body: str) -> None:
    answer = await edge.rest.post("/v1/sessions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert reason_of(answer) == "REQUEST_INVALID"
    assert edge.backends.reached_paths() == []


async def test_a_failure_of_a_service_has_the_same_shape_with_its_details(edge: Edge) -> None:
    answer = await edge.rest.post("/v1/sessions", json={"email": "a@b.example"})
    assert (answer.status_code, reason_of(answer)) == (400, "REQUEST_INVALID")
    violations = answer.json()["details"][1]["field_violations"]
    assert violations[0]["field"] == "password"
    assert len(answer.headers["x-trace-id"]) == 32


async def test_names_in_json_are_the_contracts_own_and_lower_camel_case_is_understood(edge: Edge) -> None:
    from marketplace.common.v1.page_pb2 import PageResponse
    from marketplace.notification.v1.inbox_service_pb2 import EmailState, ListNotificationsResponse, Notification

    async def answer(_request: object) -> ListNotificationsResponse:
        notification = Notification(notification_id="ntf_1", email_state=EmailState.EMAIL_STATE_SENT)
        return ListNotificationsResponse(notifications=[notification], page=PageResponse(next_page_token="next"))

    edge.backends.behaviours["/marketplace.notification.v1.InboxService/ListNotifications"] = answer
    got = await edge.rest.get("/v1/notifications?page.pageSize=7", headers=edge.bearer())
    body = got.json()
    assert body["notifications"][0]["email_state"] == "EMAIL_STATE_SENT"
    assert body["notifications"][0]["is_read"] is False
    assert (body["unread_count"], body["page"]["next_page_token"]) == (0, "next")
    assert edge.backends.last().request.page.page_size == 7  # type: ignore[attr-defined]


async def test_header_names_with_underscores_and_headers_too_large_are_refused(edge: Edge) -> None:
    assert (await edge.rest.get("/v1/categories", headers={"idempotency_key": "x"})).status_code == 400
    assert (await edge.rest.get("/v1/categories", headers={"padding": "x" * 20_000})).status_code == 431
    assert edge.backends.reached_paths() == []


async def test_answers_are_not_kept_by_caches_and_do_not_tell_what_the_edge_is_made_of(edge: Edge) -> None:
    answer = await edge.rest.get("/v1/categories")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert not [name for name in answer.headers if name.startswith("x-envoy")]
    assert answer.headers["server"] == "marketplace"
