"""An SMTP server that delivers to nobody: it keeps what it takes, and shows it over HTTP, as JSON and as a page for humans."""

import asyncio
import json
import os
from collections import deque
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from mesh.local.mailbox_page import render

_KEPT = 10_000
_LARGEST_BYTES = 10 << 20
_CODES = {451: "451 4.3.0 Try again later", 550: "550 5.1.1 No such mailbox"}


class Mailbox:
    """Serves SMTP and HTTP on addresses of their own; made inside a running event loop."""

    def __init__(self, folder: Path) -> None:
        """What it keeps lies in the folder, one message a line."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "mailbox.jsonl"
        lines = path.read_text().splitlines() if path.is_file() else []
        self._messages: deque[dict[str, Any]] = deque(_readable(lines), maxlen=_KEPT)
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a")
        self._faults = {"refuse_next": 0, "code": 451, "drop_reply_next": 0}
        self._smtp: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", smtp_port: int = 0, http_port: int = 0) -> tuple[int, int]:
        """Serves; returns the two ports. Raises OSError when an address is taken."""
        loop = asyncio.get_running_loop()
        session = partial(SMTP, self, hostname="mailbox.local", ident="mailbox", loop=loop, data_size_limit=_LARGEST_BYTES)
        self._smtp = await loop.create_server(session, host, smtp_port)
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._show),
                web.get("/messages", self._list),
                web.delete("/messages", self._clear),
                web.get("/_control", self._tell),
                web.post("/_control", self._control),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, http_port).start()
        return self._smtp.sockets[0].getsockname()[1], self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Ends serving."""
        if self._smtp is not None:
            self._smtp.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self._file.close()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Takes every recipient, or refuses as it was told to."""
        if self._faults["refuse_next"]:
            self._faults["refuse_next"] -= 1
            return _CODES[self._faults["code"]]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's own name
        """Keeps the message."""
        message = _told(envelope)
        self._file.write(json.dumps(message) + "\n")
        self._file.flush()
        self._messages.append(message)
        if self._faults["drop_reply_next"] and isinstance(server.transport, asyncio.Transport):
            self._faults["drop_reply_next"] -= 1
            server.transport.abort()
        return "250 OK"

    async def _show(self, _request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return web.Response(text=render(reversed(self._messages)), content_type="text/html", headers=headers)

    async def _list(self, request: web.Request) -> web.Response:
        to = request.query.get("to", "").lower()
        found = [each for each in self._messages if not to or to in map(str.lower, each["to"])]
        return web.json_response({"messages": found})

    async def _clear(self, _request: web.Request) -> web.Response:
        self._messages.clear()
        self._file.truncate(0)
        return web.json_response({"messages": []})

    async def _tell(self, _request: web.Request) -> web.Response:
        return web.json_response(self._faults)

    async def _control(self, request: web.Request) -> web.Response:
        try:
            wanted = await request.json()
            self._faults.update(_checked(wanted))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return await self._tell(request)


def _told(envelope: Envelope) -> dict[str, Any]:
    content = envelope.content
    raw = content if isinstance(content, bytes) else (content or "").encode()
    message = message_from_bytes(raw, policy=policy.default)
    return {
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "subject": str(message.get("Subject", "")),
        "text": _body(message, "plain"),
        "html": _body(message, "html"),
        "message_id": str(message.get("Message-ID", "")),
        "headers": {name: str(value) for name, value in message.items()},
        "received_time": datetime.now(UTC).isoformat(),
    }


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _readable(lines: list[str]) -> list[dict[str, Any]]:
    """The messages up to the first line that was torn by a crash."""
    messages: list[dict[str, Any]] = []
    for line in lines:
        try:
            messages.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return messages


def _checked(wanted: object) -> dict[str, int]:
    if not isinstance(wanted, dict) or not set(wanted) <= {"refuse_next", "code", "drop_reply_next"}:
        raise ValueError("refuse_next, code and drop_reply_next can be set")
    if not all(type(value) is int and value >= 0 for value in wanted.values()):
        raise ValueError("each is a whole number, 0 or more")
    if wanted.get("code", 451) not in _CODES:
        raise ValueError(f"code is one of {', '.join(map(str, _CODES))}")
    return wanted
