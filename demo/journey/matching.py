"""From the request to the confirmed booking."""

import asyncio
from contextlib import suppress

import httpx
from marketplace.realtime.v1 import live_service_pb2 as live

from demo.clients.grpc_web import GrpcWebError
from demo.clients.patience import attempts
from demo.clients.rest import RestError
from demo.journey.scene import Person, Scene, Step, StepFailed, expect

_SUBSCRIBE = "/marketplace.realtime.v1.LiveService/Subscribe"


async def ask(scene: Scene) -> None:
    """The customer opens a live connection and asks; both providers listen."""
    for person in (scene.provider, scene.rival):
        await _listen_for_offers(scene, person)
    scene.customer_live = await scene.closing.enter_async_context(scene.live(scene.customer))
    scene.request = await scene.ask(scene.start_time, "Two sockets in the kitchen are dead.")


async def match(scene: Scene) -> None:
    """The ranked candidates come back with their reasons; the best got an offer."""
    answer = await scene.rest.call("GET", f"/v1/requests/{scene.request['request_id']}", token=scene.customer.access_token)
    candidates = answer["request"]["candidates"]
    scores = [candidate["score"] for candidate in candidates]
    expect(scores == sorted(scores, reverse=True), "the candidates are ranked by their score")
    for candidate in candidates:
        weights = sum(reason["weight"] for reason in candidate["reasons"])
        total = sum(reason["weight"] * reason["score"] for reason in candidate["reasons"])
        expect(abs(weights - 1) < 1e-6, "the weights of the reasons add up to 1")
        expect(abs(total - candidate["score"]) < 1e-6, "the reasons explain the score")
    offered = {candidate["provider_id"] for candidate in candidates if candidate["is_offered"]}
    expect({scene.provider.account_id, scene.rival.account_id} <= offered, "both providers are among the best")


async def accept(scene: Scene) -> None:
    """Both providers see the offer live and accept at once: one wins, the payment is authorized, the booking confirmed."""
    people = (scene.provider, scene.rival)
    offer_ids = await asyncio.gather(*(_offer_of(scene, person) for person in people))
    answers = await asyncio.gather(
        *(
            scene.rest.call("POST", f"/v1/offers/{offer_id}:accept", {}, token=person.access_token)
            for person, offer_id in zip(people, offer_ids, strict=True)
        ),
        return_exceptions=True,
    )
    won = [index for index, answer in enumerate(answers) if isinstance(answer, dict)]
    expect(len(won) == 1, f"of two providers who accept at once one wins, but: {answers}")
    loss = answers[1 - won[0]]
    is_told = isinstance(loss, RestError) and loss.reason == "OFFER_CLOSED"
    expect(is_told, f"the other one is told that the offer is closed, but: {loss}")
    scene.provider, scene.rival = people[won[0]], people[1 - won[0]]
    answer = answers[won[0]]
    expect(isinstance(answer, dict), "the winner gets the booking")
    scene.booking = answer["booking"] if isinstance(answer, dict) else {}
    await scene.customer_live.wait_for("booking", booking_id=scene.booking_id, state="BOOKING_STATE_CONFIRMED")
    await scene.until(scene.payment_state, lambda state: state == "PAYMENT_STATE_AUTHORIZED", "the payment is authorized")


async def _offer_of(scene: Scene, person: Person) -> str:
    try:
        async with asyncio.timeout(scene.patience_seconds):
            return await scene.offers[person.account_id].get()
    except TimeoutError:
        raise StepFailed(f"no offer reached the provider's stream within {scene.patience_seconds:g} s") from None


async def _listen_for_offers(scene: Scene, person: Person) -> None:
    """Opens the provider's stream; what arrives on it is collected until the journey ends."""
    offers = scene.offers[person.account_id] = asyncio.Queue[str]()
    is_open = asyncio.Event()

    async def listen() -> None:
        request, token = live.SubscribeRequest(), person.access_token
        async for _ in attempts(float("inf")):
            with suppress(GrpcWebError, httpx.TransportError):
                async with scene.grpc_web.stream(_SUBSCRIBE, request, live.SubscribeResponse, token=token) as stream:
                    async for response in stream:
                        note(response.event)
                        request.resume_from.CopyFrom(_position(response.event, request.resume_from))

    def note(event: live.LiveEvent) -> None:
        is_open.set()
        if event.HasField("offer"):
            offers.put_nowait(event.offer.offer_id)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(listen())
    scene.closing.push_async_callback(end)
    opened = asyncio.create_task(is_open.wait())
    await asyncio.wait({task, opened}, timeout=scene.patience_seconds, return_when=asyncio.FIRST_COMPLETED)
    opened.cancel()
    if task.done():
        await task
    expect(is_open.is_set(), "the provider's live stream opens")


def _position(event: live.LiveEvent, before: live.Position) -> live.Position:
    """From where the stream goes on after this event."""
    if event.HasField("subscribed"):
        return event.subscribed.position
    return event.position if event.HasField("position") else before


STEPS = (
    Step("Customer goes live and asks for a service", "WebSocket, REST", ask),
    Step("The best candidates come back with their reasons", "REST", match),
    Step("Two providers accept at once; one wins, payment is authorized", "gRPC-web stream, REST", accept),
)
