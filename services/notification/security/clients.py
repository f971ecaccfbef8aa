"""auth, which says what stands in a mail; and the mail server, which gets it in the recipient's language."""

from marketplace.auth.v1 import security_mail_service_pb2 as pb
from marketplace.auth.v1.security_mail_service_pb2_grpc import SecurityMailServiceStub

from mesh.channels import Channels
from mesh.errors import NotAllowedNow
from services.notification.model import Notification
from services.notification.ports import Mail
from services.notification.security.model import Letter, Purpose, SecurityMail
from services.notification.security.words import SecurityWords

_PREFIX = "SECURITY_MAIL_KIND_"


class AuthClient:
    """The port Letters."""

    def __init__(self, channels: Channels) -> None:
        self._stub = channels.stub(SecurityMailServiceStub, "auth")

    async def find(self, mail_id: str) -> Letter | None:
        try:
            found = await self._stub.GetSecurityMail(pb.GetSecurityMailRequest(mail_id=mail_id))
        except NotAllowedNow:
            return None
        kind = pb.SecurityMailKind.Name(found.kind).removeprefix(_PREFIX).lower()
        return Letter(Purpose(kind), found.email, found.display_name, found.locale, found.token)


class WordedPost:
    """The port Post, on top of the mail server that all mail goes to."""

    def __init__(self, mail: Mail, words: SecurityWords) -> None:
        self._mail = mail
        self._words = words

    async def send(self, mail: SecurityMail, letter: Letter) -> None:
        title, body = self._words.word(letter)
        kind, to = letter.purpose.value, letter.email
        await self._mail.send(
            Notification(mail.mail_id, mail.account_id, kind, "", mail.create_time, title=title, body=body, email_to=to)
        )
