"""What notification is told by its environment."""

from dataclasses import dataclass

from mesh.settings import Settings, setting, url, whole_number


@dataclass(frozen=True, kw_only=True)
class NotificationSettings(Settings):
    """What notification needs beside what every service needs."""

    smtp_host: str = setting("the mail server's name or address")
    smtp_port: int = setting("the mail server's port", whole_number(1, 65_535), "25")
    app_url: str = setting("where the web app is, for the links in mail", url("http", "https"), "http://localhost:8080")
    mail_from: str = setting("the address that mail comes from")
