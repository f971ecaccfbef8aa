"""While the booking is ahead and the provider on the way: chat and live location."""

from typing import Any

from marketplace.chat.v1 import chat_service_pb2 as chat

from demo.clients.rest import RestClient
from demo.journey.scene import Person, Scene, Step, expect, refused, stamp
from mesh.clock import SystemClock

_STREAM = "/marketplace.chat.v1.ChatService/StreamMessages"
_CLOCK = SystemClock()


async def talk(scene: Scene) -> None:
    """Both chat: ordered, a repeated message is the same one, the stream gives each message once."""
    first = await _say(scene, scene.customer, "c-1", "Please ring twice.")
    await _say(scene, scene.provider, "p-1", "I will be there at two.")
    again = await _say(scene, scene.customer, "c-1", "Please ring twice.")
    expect(again["message_id"] == first["message_id"], "a message that is sent again is the same message")
    await _say(scene, scene.customer, "c-2", "Thank you!")
    listing = await scene.rest.call("GET", _messages(scene), token=scene.provider.access_token)
    sequences = [int(message["sequence"]) for message in listing["messages"]]
    expect(sequences == [1, 2, 3], "the history is ordered and without gaps")
    await _read_stream(scene)
    await refused(scene.rest.call("GET", _messages(scene), token=scene.rival.access_token), 404, "CONVERSATION_NOT_FOUND")


async def _read_stream(scene: Scene) -> None:
    """Joins from the beginning while a message comes in."""
    received: list[int] = []
    request = chat.StreamMessagesRequest(booking_id=scene.booking_id)
    token = scene.provider.access_token
    async with scene.grpc_web.stream(_STREAM, request, chat.StreamMessagesResponse, token=token) as stream:
        async for response in stream:
            received.append(response.message.sequence)
            if received == [1, 2, 3]:
                await _say(scene, scene.customer, "c-3", "The blue door.")
            if len(received) == 4:
                break
    expect(received == [1, 2, 3, 4], f"the stream gives every message once, in order, but gave {received}")


async def travel(scene: Scene) -> None:
    """The provider is on the way: points flow in by two doors, the customer sees them, a stranger does not."""
    rest, booking_id = scene.rest, scene.booking_id
    await rest.call("POST", f"/v1/bookings/{booking_id}:start-travel", {}, token=scene.provider.access_token)
    await scene.customer_live.wait_for("booking", booking_id=booking_id, state="BOOKING_STATE_EN_ROUTE")
    await scene.customer_live.watch(booking_id)
    sent = await _publish(rest, scene, scene.provider, [_point(scene, 0.010), _point(scene, 0.008)])
    expect(sent["accepted_count"] == 2, "both points are newer than what was known")
    await scene.customer_live.wait_for("location", booking_id=booking_id)
    async with scene.live(scene.provider) as live:
        await live.send({"locations": {"booking_id": booking_id, "points": [_point(scene, 0.001)]}})
        await _wait_for_place(scene, scene.place["latitude"] + 0.001)
    await refused(_publish(rest, scene, scene.rival, [_point(scene, 0.5)]), 404, "BOOKING_NOT_FOUND")
    async with scene.live(scene.rival) as live:
        await live.watch(booking_id)
        await live.wait_for("refused", reason="BOOKING_NOT_FOUND")


async def _wait_for_place(scene: Scene, latitude: float) -> None:
    point = {"latitude": latitude, "longitude": scene.place["longitude"]}

    def places() -> list[Any]:
        return [event["location"]["point"]["point"] for event in scene.customer_live.events if "location" in event]

    while point not in places():
        seen = len(scene.customer_live.events)
        await scene.customer_live.wait_for_more(seen)


async def _say(scene: Scene, person: Person, client_message_id: str, text: str) -> dict[str, Any]:
    body = {"client_message_id": client_message_id, "text": text}
    answer = await scene.rest.call("POST", _messages(scene), body, token=person.access_token)
    message: dict[str, Any] = answer["message"]
    return message


async def _publish(rest: RestClient, scene: Scene, person: Person, points: list[dict[str, Any]]) -> dict[str, Any]:
    path = f"/v1/bookings/{scene.booking_id}/locations"
    return await rest.call("POST", path, {"points": points}, token=person.access_token)


def _messages(scene: Scene) -> str:
    return f"/v1/bookings/{scene.booking_id}/messages"


def _point(scene: Scene, north: float) -> dict[str, Any]:
    """A point north of the place of service, measured now."""
    point = {"latitude": scene.place["latitude"] + north, "longitude": scene.place["longitude"]}
    moment = _CLOCK.now()
    return {"point": point, "measure_time": stamp(moment)[:-1] + f".{moment.microsecond:06d}Z", "accuracy_meters": 8}


STEPS = (
    Step("Both chat; a repeated message is one message", "REST, gRPC-web stream", talk),
    Step("Provider is on the way; the customer sees it live, a stranger does not", "REST, WebSocket", travel),
)
