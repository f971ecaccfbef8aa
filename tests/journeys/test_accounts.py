"""An account's way from outside: links that come by mail, guesses slowed down by the address that the edge saw, two steps."""

import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pyotp
import pytest
import pytest_asyncio

from demo.clients.rest import RestError
from demo.journey.scene import Doors, Person, Scene, open_scene, refused
from tests.journeys.conftest import elsewhere

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "correct horse battery staple"
OTHER_PASSWORD = "seven quiet harbours"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(doors: Doors) -> AsyncIterator[Scene]:
    async with open_scene(doors, place=elsewhere()) as scene:
        yield scene


async def token_from_mail(scene: Scene, email: str, subject: str) -> str:
    """What stands behind `token=` in the link of the newest mail with this subject."""

    async def read() -> list[str]:
        async with httpx.AsyncClient(base_url=scene.doors.mailbox_url) as mailbox:
            messages: list[dict[str, Any]] = (await mailbox.get("/messages", params={"to": email})).json()["messages"]
            return [str(message) for message in messages if message["subject"] == subject]

    found = await scene.until(read, bool, f"a mail with the subject {subject!r}")
    link = re.search(r"http://localhost:\d+/[a-z-]+#token=([A-Za-z0-9_.-]+)", found[-1])
    assert link is not None, found[-1]
    return link[1]


async def account_of(scene: Scene, person: Person) -> dict[str, Any]:
    return await scene.rest.call("GET", "/v1/accounts/me", token=person.access_token)


async def test_the_link_that_comes_by_mail_verifies_the_address(scene: Scene) -> None:
    ana = await scene.register("Ana", ["ACCOUNT_ROLE_CUSTOMER"], "en")
    assert (await account_of(scene, ana))["is_email_verified"] is False
    token = await token_from_mail(scene, ana.email, "Confirm your e-mail address")
    await scene.rest.call("POST", "/v1/email:verify", {"token": token})
    assert (await account_of(scene, ana))["is_email_verified"] is True
    inbox = await scene.rest.call("GET", "/v1/notifications", token=ana.access_token)
    assert inbox["notifications"] == [], "links are for the mailbox alone"


async def test_a_forgotten_password_is_set_by_mail(scene: Scene) -> None:
    rui = await scene.register("Rui", ["ACCOUNT_ROLE_CUSTOMER"], "pt-BR")
    for email in (rui.email, f"{uuid4().hex}@example.com"):
        assert await scene.rest.call("POST", "/v1/password:request-reset", {"email": email}) == {}
    token = await token_from_mail(scene, rui.email, "Defina uma nova senha")
    await scene.rest.call("POST", "/v1/password:reset", {"token": token, "password": OTHER_PASSWORD})
    await refused(scene.log_in(rui.email, PASSWORD), 401, "CREDENTIALS_WRONG")
    await scene.log_in(rui.email, OTHER_PASSWORD)


async def test_guesses_are_slowed_down_alike_for_accounts_that_are_there_and_that_are_not(scene: Scene) -> None:
    eva = await scene.register("Eva", ["ACCOUNT_ROLE_CUSTOMER"], "en")
    for email in (eva.email, f"{uuid4().hex}@example.com"):
        for _ in range(5):
            await refused(scene.log_in(email, "wrong"), 401, "CREDENTIALS_WRONG")
        with pytest.raises(RestError) as refusal:
            await scene.log_in(email, PASSWORD)
        assert (refusal.value.status, refusal.value.reason) == (429, "TOO_MANY_ATTEMPTS")
        [retry] = [detail for detail in refusal.value.body["details"] if "retry_delay" in detail]
        assert 50 < float(retry["retry_delay"].removesuffix("s")) <= 60
    trail = await scene.rest.call("GET", "/v1/audit-entries", token=eva.access_token)
    assert {entry["address"] for entry in trail["entries"]} == {"127.0.0.1"}


async def test_a_second_step_and_the_end_of_an_account(scene: Scene) -> None:
    leo = await scene.register("Leo", ["ACCOUNT_ROLE_CUSTOMER"], "en")
    enrolment = await scene.rest.call("POST", "/v1/totp", {}, token=leo.access_token)
    app, now = pyotp.TOTP(enrolment["secret"]), int(time.time())
    await scene.rest.call("POST", "/v1/totp:confirm", {"code": app.at(now)}, token=leo.access_token)
    begun = await scene.rest.call("POST", "/v1/sessions", {"email": leo.email, "password": PASSWORD})
    assert begun.get("tokens") is None
    answer = {"challenge_token": begun["challenge"]["challenge_token"], "code": app.at(now + 30)}
    completed = await scene.rest.call("POST", "/v1/sessions:complete", answer)
    token = completed["tokens"]["access_token"]
    listed = await scene.rest.call("GET", "/v1/sessions", token=token)
    assert [session["is_current"] for session in listed["sessions"]] == [True, False]
    await scene.rest.call("DELETE", "/v1/accounts/me", token=token)
    await refused(scene.log_in(leo.email, PASSWORD), 401, "CREDENTIALS_WRONG")
