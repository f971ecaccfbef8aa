"""The secrets of one stack: made at run time, kept in its folder for its owner alone, so that its data stay readable."""

import json
import os
import secrets
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Secrets:
    """Each of them is random, and opens nothing outside of its own stack."""

    stripe_api_key: str = field(default_factory=lambda: f"sk_test_{secrets.token_hex(24)}", repr=False)
    stripe_webhook_secret: str = field(default_factory=lambda: f"whsec_{secrets.token_hex(24)}", repr=False)
    key_encryption_secret: str = field(default_factory=lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode(), repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(18), repr=False)


def read_or_make(folder: Path) -> Secrets:
    """The secrets of the stack in this folder; they are made when there are none yet."""
    path = folder / "secrets.json"
    if path.is_file():
        return Secrets(**json.loads(path.read_text()))
    made = Secrets()
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(made), file)
    fresh.replace(path)
    return made
