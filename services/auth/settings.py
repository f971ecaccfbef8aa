"""What auth is told by its environment."""

from dataclasses import dataclass

from mesh.settings import Settings, optional_text, setting, url


@dataclass(frozen=True, kw_only=True)
class AuthSettings(Settings):
    """What auth needs beside what every service needs."""

    key_encryption_secret: str = setting("what signing keys are encrypted and refresh tokens are made with", is_secret=True)
    app_url: str = setting("where the web app is: passkeys belong to its host", url("http", "https"), "http://localhost:8080")
    admin_email: str = setting("the address of the first administrator; empty for none", optional_text, "")
    admin_password: str = setting("the first administrator's password", optional_text, "", is_secret=True)
