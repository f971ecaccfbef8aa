"""Everybody who may try something, and one of each thing in each state that they may try it on."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from demo.journey import people
from demo.journey.scene import PASSWORD, Person, Scene, next_workday_at
from mesh.contract import MethodContract
from tests.services.auth.authenticator import SoftAuthenticator

_PATIENCE_SECONDS = 30.0
BOTH = ["ACCOUNT_ROLE_CUSTOMER", "ACCOUNT_ROLE_PROVIDER"]
ROLES: Mapping[str, frozenset[str]] = {
    "customer": frozenset({"customer", "provider"}),
    "provider": frozenset({"customer", "provider"}),
    "stranger": frozenset({"customer", "provider"}),
    "rival": frozenset({"provider"}),
    "bystander": frozenset({"customer"}),
    "admin": frozenset({"admin"}),
    "anonymous": frozenset(),
}
"""Who calls, with which roles. Customer and provider can be both, so that no cell hides behind a missing role."""

_BOOKINGS = {
    "confirmed": (),
    "on the way": ("start-travel",),
    "at work": ("start-travel", "start-work"),
    "completed": ("start-travel", "start-work", "complete-work"),
    "cancelled": ("cancel",),
}


@dataclass(frozen=True)
class Thing:
    """A resource: its state, its id, and which of the people own it."""

    state: str
    id: str
    owners: frozenset[str]


@dataclass
class Cast:
    """People with sessions, and the things that are between customer and provider."""

    scene: Scene
    people: dict[str, Person]
    bookings: dict[str, str] = field(default_factory=dict)  # ids, by state
    offers: dict[str, str] = field(default_factory=dict)  # accepted; open and unwanted: the provider's own
    requests: dict[str, str] = field(default_factory=dict)  # booked, open, unwanted
    address_id: str = ""  # in the provider's book
    review_id: str = ""  # of the provider, by the customer
    document_id: str = ""  # of the provider, submitted
    session: str = ""  # another one of the customer's
    passkey: str = ""  # the customer's

    def token(self, who: str) -> str:
        """The person's access token; empty for anonymous."""
        return self.people[who].access_token if who in self.people else ""

    @property
    def ids(self) -> list[str]:
        """The ids of everybody and everything."""
        accounts = [person.account_id for name, person in self.people.items() if name != "admin"]
        return [*accounts, *self.bookings.values(), *self.offers.values(), *self.requests.values()]

    @property
    def named(self) -> dict[str, str]:
        """What a request names beside the thing that it is about."""
        return {
            "customer_id": self.people["customer"].account_id,
            "booking_id": self.bookings["confirmed"],
            "address_id": self.address_id,
        }

    def things(self, method: MethodContract) -> list[Thing]:
        """What a call of this method may name. Raises KeyError for an owner kind or an id that nothing is known of."""
        return THINGS[method.owner_kind](self, method.owner_field)


def _bookings(*owners: str) -> Callable[[Cast, str], list[Thing]]:
    return lambda cast, _field: [Thing(state, each, frozenset(owners)) for state, each in cast.bookings.items()]


def _anyones(cast: Cast, name: str) -> list[Thing]:
    everybody = frozenset(ROLES)
    account_id = cast.people["provider"].account_id
    provider = [("a provider", account_id)]
    known = {
        "account_id": [("an administrator", cast.people["admin"].account_id)],
        "mail_id": [("a mail", "mail_" + "0" * 26)],
        "booking_id": list(cast.bookings.items()),
        "document_id": [("submitted", cast.document_id)],
        "provider_id": provider,
        "provider_ids": provider,
        "review_id": [("published", cast.review_id)],
    }
    return [Thing(state, each, everybody) for state, each in known[name]]


THINGS: Mapping[str, Callable[[Cast, str], list[Thing]]] = {
    "": lambda _cast, _field: [Thing("the marketplace", "", frozenset(ROLES))],
    "self": lambda _cast, _field: [Thing("one's own", "", frozenset(ROLES))],
    "anyone": _anyones,
    "account": lambda cast, _field: [Thing("a provider", cast.people["provider"].account_id, frozenset({"provider"}))],
    "booking_party": _bookings("customer", "provider"),
    "booking_provider": _bookings("provider"),
    "booking_customer": _bookings("customer"),
    "request_customer": lambda cast, _: [Thing(state, each, frozenset({"customer"})) for state, each in cast.requests.items()],
    "session_account": lambda cast, _: [Thing("another session", cast.session, frozenset({"customer"}))],
    "passkey_account": lambda cast, _: [Thing("a passkey", cast.passkey, frozenset({"customer"}))],
    "offer_provider": lambda cast, _: [Thing(state, each, frozenset({"provider"})) for state, each in cast.offers.items()],
    "address_person": lambda cast, _: [Thing("kept", cast.address_id, frozenset({"provider"}))],
    "review_subject": lambda cast, _: [Thing("published", cast.review_id, frozenset({"provider"}))],
}
"""What there is of each owner kind of the contract; without a kind only the role matters."""


async def gather_cast(scene: Scene) -> Cast:
    """Registers everybody and brings a booking into each state."""
    scene.customer = await scene.register("Clara", BOTH, "pt-BR")
    scene.provider = await scene.register("Paulo", BOTH, "en")
    scene.rival = await scene.register("Rita", BOTH[1:], "pt-BR")
    scene.admin = await scene.log_in(scene.doors.admin_email, scene.doors.admin_password)
    cast = Cast(scene, {"customer": scene.customer, "provider": scene.provider, "rival": scene.rival, "admin": scene.admin})
    cast.people["stranger"] = await scene.register("Otto", BOTH, "en")
    cast.people["bystander"] = await scene.register("Bia", BOTH[:1], "pt-BR")
    cast.session, cast.passkey = await _another_session(scene), await _passkey(scene)
    await people.offer(scene)
    for number, (state, actions) in enumerate(_BOOKINGS.items()):
        request, offer_id = await _ask(scene, number)
        answer = await scene.rest.call("POST", f"/v1/offers/{offer_id}:accept", {}, token=scene.provider.access_token)
        cast.requests["booked"], cast.offers["accepted"] = request["request_id"], offer_id
        scene.booking = answer["booking"]
        cast.bookings[state] = scene.booking_id
        for action in actions:
            await _act(scene, action)
        await _say_something(scene)
    for number, state in enumerate(("open", "unwanted"), len(_BOOKINGS)):
        request, cast.offers[state] = await _ask(scene, number)
        cast.requests[state] = request["request_id"]
    await _keep_something(cast)
    await _review_each_other(cast)
    return cast


async def _keep_something(cast: Cast) -> None:
    """An address and documents of the provider's; the customer's favourites and harmless blocks, two each."""
    rest, customer, provider = cast.scene.rest, cast.token("customer"), cast.token("provider")
    place = {"street": "Example Street 1", "city": "Example", "country_code": "BR"}
    for who in ("provider", "rival", "admin"):
        read = partial(rest.call, "GET", "/v1/profile", token=cast.token(who))
        await cast.scene.until(read, lambda answer: answer["profile"], "user has a profile of everybody")
    added = await rest.call("POST", "/v1/profile/addresses", {"postal_address": place}, token=provider, key="address")
    cast.address_id = added["address"]["address_id"]
    for number in range(2):
        body = {"kind": "DOCUMENT_KIND_IDENTITY", "reference": f"documents/{number}"}
        answer = await rest.call("POST", "/v1/profile/documents", body, token=provider, key=f"document-{number}")
        cast.document_id = answer["document"]["document_id"]
    for who in ("provider", "rival"):
        await rest.call("PUT", f"/v1/favourites/{cast.people[who].account_id}", {}, token=customer)
    for who in ("admin", "rival"):
        await rest.call("PUT", f"/v1/blocks/{cast.people[who].account_id}", {}, token=customer)


async def _review_each_other(cast: Cast) -> None:
    """Both say what a sample of a review says, once user knows that the work is done."""
    body = {"rating": 5, "comment": "Quick and tidy."}
    path = f"/v1/bookings/{cast.bookings['completed']}/reviews"
    async with asyncio.timeout(_PATIENCE_SECONDS):
        for who in ("provider", "customer"):
            answer = await cast.scene.rest.send("POST", path, body, token=cast.token(who))
            while answer.status_code != httpx.codes.OK:
                await asyncio.sleep(0.05)
                answer = await cast.scene.rest.send("POST", path, body, token=cast.token(who))
            cast.review_id = answer.json()["review"]["review_id"]  # at last the customer's


async def _ask(scene: Scene, number: int) -> tuple[dict[str, Any], str]:
    """A request for a day of its own, and the id of the offer that it made to the provider."""
    request = await scene.ask(next_workday_at(9, days_ahead=2 + 3 * number), "A lamp to hang up.")
    offers = await scene.rest.call("GET", "/v1/offers", token=scene.provider.access_token)
    return request, next(each["offer_id"] for each in offers["offers"] if each["request_id"] == request["request_id"])


async def _another_session(scene: Scene) -> str:
    await scene.log_in(scene.customer.email, PASSWORD)
    listed = await scene.rest.call("GET", "/v1/sessions", token=scene.customer.access_token)
    return next(str(each["session_id"]) for each in listed["sessions"] if not each["is_current"])


async def _passkey(scene: Scene) -> str:
    token, device = scene.customer.access_token, SoftAuthenticator(scene.doors.edge_url.replace("127.0.0.1", "localhost"))
    begun = await scene.rest.call("POST", "/v1/passkeys:begin-registration", {}, token=token)
    made = {"challenge_token": begun["challenge_token"], "credential_json": device.create(begun["options_json"])}
    return str((await scene.rest.call("POST", "/v1/passkeys", made, token=token))["passkey"]["passkey_id"])


async def _act(scene: Scene, action: str) -> None:
    await scene.rest.call("POST", f"/v1/bookings/{scene.booking_id}:{action}", {}, token=scene.provider.access_token)


async def _say_something(scene: Scene) -> None:
    """So that a stream of the conversation has something to begin with."""
    body = {"client_message_id": "first", "text": "Please ring twice."}
    await scene.rest.call("POST", f"/v1/bookings/{scene.booking_id}/messages", body, token=scene.customer.access_token)
