"""The mailbox's page for humans: every message, newest first, with links that can be followed."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mailbox</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fafafa}}
article{{background:#fff;border:1px solid #ddd;border-radius:8px;padding:1rem 1.25rem;margin:1rem 0}}
h2{{font-size:1.1rem;margin:0}} .about{{color:#595959;font-size:.875rem}}
pre{{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:.75rem 0 0}}
</style></head><body><h1>Mailbox</h1>
<p class="about">E-mail that the local stack has sent. None of it has left this machine. Newest first; reload to see more.</p>
{messages}
</body></html>
"""
_MESSAGE = """<article><h2>{subject}</h2><p class="about">to {to}, from {sender}, <time datetime="{time}">{time}</time></p>
<pre>{text}</pre></article>"""
_LINK = re.compile(r"https?://[^\s<>&\"']+(?:&amp;[^\s<>&\"']+)*")


def render(messages: Iterable[Mapping[str, Any]]) -> str:
    """The page. What the messages say is shown as text; nothing of it is taken for HTML."""
    shown = [
        _MESSAGE.format(
            subject=escape(each["subject"] or "(no subject)"),
            to=escape(", ".join(each["to"])),
            sender=escape(str(each["from"])),
            time=escape(each["received_time"]),
            text=_LINK.sub(lambda link: f'<a href="{link[0]}" rel="noreferrer">{link[0]}</a>', escape(each["text"])),
        )
        for each in messages
    ]
    return _PAGE.format(messages="\n".join(shown) or "<p>No e-mail yet.</p>")
