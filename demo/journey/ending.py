"""What is left: what people were told, the provider's figures, a booking called off, and a call inside the mesh."""

from datetime import datetime
from typing import Any

import grpc
import httpx
from marketplace.booking.v1 import booking_service_pb2 as bookings
from marketplace.booking.v1 import booking_service_pb2_grpc as bookings_grpc

from demo.clients.grpc_web import GrpcWebError
from demo.journey.scene import DURATION, Person, Scene, Step, expect, next_workday_at, refused, stamp
from mesh.tracing import current_trace

_PARTICIPATION = "/marketplace.booking.v1.BookingService/GetParticipation"
_CONFIRMED = {"pt-BR": "Reserva confirmada", "en": "Booking confirmed"}  # the subject


async def notify(scene: Scene) -> None:
    """Both found it in their inbox, and in their mail in the language that they prefer."""
    for person in (scene.customer, scene.provider):
        await scene.until(
            lambda person=person: scene.rest.call("GET", "/v1/notifications", token=person.access_token),  # type: ignore[misc]
            lambda answer: {"booking_confirmed", "booking_completed"} <= {each["type"] for each in answer["notifications"]},
            "the inbox tells of the confirmation and of the completion",
        )
        await _wait_for_mail(scene, person, _CONFIRMED[person.locale])


async def _wait_for_mail(scene: Scene, person: Person, subject: str) -> None:
    async def read() -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=scene.doors.mailbox_url) as mailbox:
            answer = await mailbox.get("/messages", params={"to": person.email})
            messages: list[dict[str, Any]] = answer.json()["messages"]
            return messages

    await scene.until(
        read, lambda mails: any(mail["subject"] == subject for mail in mails), f"an e-mail with the subject '{subject}' came"
    )


async def look_at_dashboard(scene: Scene) -> None:
    """The provider's figures show the booking, its net payout and the rating; a rival cannot read them."""
    path = f"/v1/providers/{scene.provider.account_id}/dashboard"

    def is_complete(figures: dict[str, Any]) -> bool:
        payout = [money for money in figures.get("net_payout", ()) if money == scene.booking["net"]]
        return bool(payout) and figures["completed_count"] == "1" and figures["rating_count"] == 1

    await scene.until(
        lambda: scene.rest.call("GET", path, token=scene.provider.access_token),
        is_complete,
        "the dashboard shows the booking, its net payout and the rating",
    )
    await refused(scene.rest.call("GET", path, token=scene.rival.access_token), 404, "NOT_FOUND")


async def cancel(scene: Scene) -> None:
    """A second booking is called off by the customer: the authorization is voided, the slot is free again."""
    start = next_workday_at(9, days_ahead=5)
    request = await scene.ask(start, "A lamp to hang up.")
    expect(any(each["provider_id"] == scene.provider.account_id for each in request["candidates"]), "the provider can do it")
    offers = await scene.rest.call("GET", "/v1/offers", token=scene.provider.access_token)
    offer_id = next(each["offer_id"] for each in offers["offers"] if each["request_id"] == request["request_id"])
    answer = await scene.rest.call("POST", f"/v1/offers/{offer_id}:accept", {}, token=scene.provider.access_token)
    scene.booking = answer["booking"]
    expect(not await _is_free(scene, start), "the slot is taken")
    path = f"/v1/bookings/{scene.booking_id}:cancel"
    await scene.rest.call("POST", path, {"reason": "Found the manual."}, token=scene.customer.access_token)
    await scene.until(scene.payment_state, lambda state: state == "PAYMENT_STATE_VOIDED", "the authorization is voided")
    expect(await _is_free(scene, start), "the slot is free again")


async def _is_free(scene: Scene, start: datetime) -> bool:
    path = f"/v1/providers/{scene.provider.account_id}/free-slots?start_time={stamp(start)}&end_time={stamp(start + DURATION)}"
    answer = await scene.rest.call("GET", path, token=scene.customer.access_token)
    return [slot["start_time"] for slot in answer.get("slots", ())] == [stamp(start)]


async def call_inside(scene: Scene) -> None:
    """A service with its own certificate calls a MESH method; the edge does not know it."""
    certificate = scene.doors.realtime_certificate
    credentials = grpc.ssl_channel_credentials(
        certificate.ca_file.read_bytes(), certificate.key_file.read_bytes(), certificate.certificate_file.read_bytes()
    )
    request = bookings.GetParticipationRequest(booking_id=scene.booking_id)
    options = [("grpc.ssl_target_name_override", "booking")]
    async with grpc.aio.secure_channel(scene.doors.booking_address, credentials, options) as channel:
        stub = bookings_grpc.BookingServiceStub(channel)
        token = f"Bearer {scene.customer.access_token}"
        metadata = [("authorization", token), ("traceparent", current_trace().traceparent)]
        answer = await stub.GetParticipation(request, timeout=5, metadata=metadata)
    expect(answer.customer_id == scene.customer.account_id, "the service learns who takes part")
    try:
        await scene.grpc_web.call(_PARTICIPATION, request, bookings.GetParticipationResponse, token=scene.customer.access_token)
    except GrpcWebError as error:
        codes = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.NOT_FOUND)
        expect(error.code in codes, f"the edge does not know the method, but said {error}")
    else:
        expect(False, "the edge does not know the method")


STEPS = (
    Step("All of it reached the inbox and the mail of both, in their language", "REST, SMTP", notify),
    Step("The dashboard shows booking, payout and rating; a rival sees nothing", "REST", look_at_dashboard),
    Step("A second booking is cancelled: payment voided, slot free", "REST", cancel),
    Step("A service calls a method of the mesh; the edge does not know it", "gRPC with mTLS", call_inside),
)
