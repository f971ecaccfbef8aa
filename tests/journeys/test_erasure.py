"""Two people who have booked, written, paid and reviewed are erased on the whole stack: afterwards nothing says who they were.

Searched is every collection of every service's database, every key of Redis and every log. What the broker's topics and the
database's own log of operations hold goes by itself (ARCHITECTURE.md, "One erasure").
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from pymongo import AsyncMongoClient
from redis.asyncio import Redis

from demo.journey import STEPS, ending
from demo.journey.scene import Doors, Person, Scene, open_scene
from mesh.local.stack import SERVICES, Stack
from tests.journeys.conftest import elsewhere

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

PHONE = "+12025550199"
KEPT_A_DAY = "idempotency"  # answers to others' keyed calls


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(doors: Doors) -> AsyncIterator[Scene]:
    """A journey after its reviews, before it logs out."""
    async with open_scene(doors, place=elsewhere()) as scene:
        for step in STEPS:
            if step not in ending.STEPS:
                await step.walk(scene)
        yield scene


class Traces:
    """What is searched for, and where."""

    def __init__(self, stack: Stack, people: list[Person], word: str) -> None:
        self._stack = stack
        self.texts = [word, PHONE, *(person.email for person in people)]

    async def found(self) -> set[str]:
        """The places where any of the texts is, as "<place>: <text>"."""
        places = [*await self._databases(), *await self._cache(), *self._logs()]
        return {f"{place}: {text}" for place, content in places for text in self.texts if text in content}

    async def _databases(self) -> list[tuple[str, str]]:
        places = []
        async with AsyncMongoClient[dict[str, Any]](self._stack.urls["database"]) as client:
            for database in (f"marketplace_{service}" for service in SERVICES):
                for collection in await client[database].list_collection_names():
                    if collection != KEPT_A_DAY:
                        documents = await client[database][collection].find({}).to_list()
                        places.append((f"{database}.{collection}", str(documents)))
        return places

    async def _cache(self) -> list[tuple[str, str]]:
        redis = Redis.from_url(self._stack.urls["cache"])
        try:
            return [(key.decode(), str(await redis.dump(key))) async for key in redis.scan_iter()]
        finally:
            await redis.aclose()

    def _logs(self) -> list[tuple[str, str]]:
        folder = Path(self._stack.folder) / "logs"
        return [(path.name, path.read_text(errors="replace")) for path in folder.iterdir()]


async def mark(scene: Scene, person: Person, word: str) -> None:
    """Leaves a word wherever a person can write something, and a phone number."""
    token = person.access_token
    mask = {"update_mask": "displayName,about,phone", "display_name": word, "about": f"I am {word}.", "phone": PHONE}
    await scene.rest.call("PATCH", "/v1/profile", mask, token=token)
    place = {"street": f"{word} Street 1", "city": "Example", "country_code": "BR"}
    body = {"label": word, "postal_address": place}
    await scene.rest.call("POST", "/v1/profile/addresses", body, token=token, key=uuid4().hex)
    message = {"client_message_id": uuid4().hex, "text": f"This is {word}."}
    await scene.rest.call("POST", f"/v1/bookings/{scene.booking_id}/messages", message, token=token)
    path = f"/v1/providers/{scene.provider.account_id}/reviews"
    [review] = (await scene.rest.call("GET", path, token=token))["reviews"]
    if person is scene.provider:
        await scene.rest.call("POST", f"/v1/reviews/{review['review_id']}:reply", {"text": f"Thanks, {word}."}, token=token)


async def test_a_person_gets_one_document_of_what_every_service_holds(lived: Scene) -> None:
    answer = await lived.rest.send("GET", "/v1/profile/export", token=lived.customer.access_token)
    records = [json.loads(line) for line in answer.text.splitlines()]
    services = {each["service"] for each in records}
    assert services == {"auth", "booking", "chat", "notification", "payment", "user"}
    assert lived.customer.email in str(records)
    assert "password_hash" not in str(records)


async def test_nothing_says_who_they_were_after_two_people_are_erased(stack: Stack, lived: Scene) -> None:
    word = f"Quintessa{uuid4().hex[:8]}"
    people = [lived.customer, lived.provider]
    for person in people:
        await mark(lived, person, word)
    traces = Traces(stack, people, word)
    holders = {f"marketplace_{service}" for service in ("auth", "booking", "chat", "notification", "user")}
    await lived.until(traces.found, lambda found: {each.partition(".")[0] for each in found} >= holders, "they are everywhere")
    for person in people:
        await lived.rest.call("DELETE", "/v1/profile", token=person.access_token)
    await lived.until(traces.found, lambda found: not found, "nothing is left of them")
    path = f"/v1/bookings/{lived.booking_id}/ledger"
    ledger = await lived.rest.call("GET", path, token=lived.admin.access_token)
    assert [entry["kind"] for entry in ledger["entries"]].count("capture") == 1, "the ledger stays"
