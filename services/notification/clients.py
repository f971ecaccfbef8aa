"""Whom to write to, from user; and the mail server."""

from email.message import EmailMessage

import aiosmtplib
from marketplace.user.v1 import profile_service_pb2 as pb
from marketplace.user.v1.profile_service_pb2_grpc import ProfileServiceStub

from mesh.channels import Channels
from mesh.errors import DeadlinePassed, NotFound, Unavailable
from services.notification.model import Contact, Notification
from services.notification.ports import MailRefusedError, MailUncertainError

_SMTP_SECONDS = 10.0


class UserClient:
    """The port Contacts."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(ProfileServiceStub, "user")

    async def find(self, account_id: str) -> Contact:
        try:
            found = await self._stub.GetContact(pb.GetContactRequest(account_id=account_id))
        except (NotFound, DeadlinePassed):  # a profile appears moments after its registration
            raise Unavailable("DEPENDENCY_UNAVAILABLE", "The person is not known yet.") from None
        return Contact(found.display_name, found.email, found.locale, found.time_zone, found.email_enabled)


class SmtpMail:
    """The port Mail."""

    def __init__(self, host: str, port: int, sender: str) -> None:
        self._host = host
        self._port = port
        self._sender = sender

    async def send(self, notification: Notification) -> None:
        message = self._message(notification)
        smtp = aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=_SMTP_SECONDS, start_tls=None)
        try:
            await smtp.connect()
        except (aiosmtplib.SMTPException, OSError):
            smtp.close()
            raise MailRefusedError(is_final=False) from None
        try:
            await smtp.send_message(message)
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            raise MailRefusedError(is_final=all(each.code >= 500 for each in refusal.recipients)) from None
        except aiosmtplib.SMTPResponseException as refusal:  # the server has answered: it did not take the message
            raise MailRefusedError(is_final=refusal.code >= 500) from None
        except (aiosmtplib.SMTPException, OSError):
            raise MailUncertainError from None
        finally:
            smtp.close()

    def _message(self, notification: Notification) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = notification.email_to
        message["Subject"] = notification.title
        message["Message-ID"] = f"<{notification.notification_id}@{self._sender.partition('@')[2]}>"
        message.set_content(notification.body)
        return message
