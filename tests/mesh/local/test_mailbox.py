"""The mailbox: what is sent to it by SMTP can be read, and it can be told to refuse."""

from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import pytest

from mesh.local.mailbox import Mailbox


class Box:
    """A mailbox under test and how to reach it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def open(self) -> None:
        self.mailbox = Mailbox(self.folder)
        self.smtp_port, http_port = await self.mailbox.start()
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{http_port}")

    async def close(self) -> None:
        await self.http.aclose()
        await self.mailbox.stop()

    async def send(self, to: str = "ana@example.com", subject: str = "Olá", text: str = "Está confirmado.") -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "no-reply@example.com", to, subject
        message["Message-ID"] = "<1@example.com>"
        message.set_content(text)
        message.add_alternative("<b>Está confirmado.</b>", subtype="html")
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.smtp_port, start_tls=False)

    async def messages(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/messages", params=query)).json()["messages"]
        return found


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    box = Box(tmp_path)
    await box.open()
    yield box
    await box.close()


async def test_a_message_is_read_back_as_it_was_sent(box: Box) -> None:
    await box.send()
    (message,) = await box.messages(to="Ana@Example.com")
    assert (message["from"], message["to"]) == ("no-reply@example.com", ["ana@example.com"])
    assert (message["subject"], message["text"].strip()) == ("Olá", "Está confirmado.")
    assert "<b>" in message["html"]
    assert message["message_id"] == message["headers"]["Message-ID"] == "<1@example.com>"
    assert await box.messages(to="bia@example.com") == []


async def test_messages_are_there_after_a_restart_and_gone_when_cleared(box: Box) -> None:
    await box.send()
    await box.close()
    await box.open()
    assert len(await box.messages()) == 1
    await box.http.delete("/messages")
    await box.send(subject="later")
    await box.close()
    await box.open()
    assert [each["subject"] for each in await box.messages()] == ["later"]


@pytest.mark.parametrize("code", [451, 550])
async def test_it_refuses_as_often_as_it_is_told_to(box: Box, code: int) -> None:
    await box.http.post("/_control", json={"refuse_next": 1, "code": code})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
        await box.send()
    assert [each.code for each in refusal.value.recipients] == [code]
    assert await box.messages() == []
    await box.send()
    assert len(await box.messages()) == 1


async def test_a_lost_reply_leaves_the_sender_uncertain_although_the_message_was_taken(box: Box) -> None:
    await box.http.post("/_control", json={"drop_reply_next": 1})
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await box.send()
    assert len(await box.messages()) == 1


@pytest.mark.parametrize("wrong", [{"refuse": 1}, {"refuse_next": "1"}, {"refuse_next": -1}, {"code": 250}, [], "x"])
async def test_what_it_cannot_be_told_is_refused(box: Box, wrong: object) -> None:
    assert (await box.http.post("/_control", json=wrong)).status_code == 400


async def test_the_page_shows_text_as_text_and_links_as_links(box: Box) -> None:
    assert "No e-mail yet" in (await box.http.get("/")).text
    await box.send(subject="<script>alert(1)</script>", text='Go to https://example.com/verify?a=1&b=2" <i>now</i>')
    await box.send(subject="newest")
    page = (await box.http.get("/")).text
    assert "<script>" not in page
    assert "<i>" not in page
    assert '<a href="https://example.com/verify?a=1&amp;b=2"' in page
    assert page.index("newest") < page.index("alert(1)")
