"""auth for its tests: people who register and log in, and what is asked of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import grpc
import pyotp
from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1 import security_mail_service_pb2 as mail_pb
from marketplace.auth.v1 import totp_service_pb2 as totp_pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from marketplace.auth.v1.events_pb2 import SecurityMailRequested
from marketplace.auth.v1.security_mail_service_pb2_grpc import SecurityMailServiceStub
from marketplace.auth.v1.totp_service_pb2_grpc import TotpServiceStub

from mesh.call import Account
from services.auth.model.mails import MailState
from services.auth.store.documents import MailDocument
from tests.mesh.moving import MovedClock
from tests.mesh.waiting import until
from tests.support.service import ServiceUnderTest

Stub = TypeVar("Stub")

PASSWORD = "nine purple lamps"
OTHER_PASSWORD = "seven quiet harbours"
SECRET = {"KEY_ENCRYPTION_SECRET": "a secret of this test", "ADMIN_EMAIL": "root@example.com", "ADMIN_PASSWORD": "the root of it"}
HOME, AWAY = "198.51.100.7", "203.0.113.9"


def registration(**changes: Any) -> pb.RegisterAccountRequest:
    wanted = {"email": "Ana@Example.com", "password": PASSWORD, "display_name": "Ana", "roles": [pb.ACCOUNT_ROLE_CUSTOMER]}
    return pb.RegisterAccountRequest(**(wanted | changes))


@dataclass
class Person:
    """Somebody with an account, and a session if they are logged in."""

    auth: "AuthUnderTest"
    account_id: str
    email: str
    tokens: pb.Tokens = field(default_factory=pb.Tokens)

    async def account(self) -> Account:
        return await self.auth.service.runtime.verifier.verify(self.tokens.access_token)

    async def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub]) -> Any:
        """A stub whose calls carry this session's access token."""
        return self.auth.service.stub(stub_class, await self.account())

    async def refresh(self) -> None:
        """Moves the session on."""
        request = pb.RefreshSessionRequest(refresh_token=self.tokens.refresh_token)
        self.tokens = (await self.auth.public.RefreshSession(request)).tokens


@dataclass
class AuthUnderTest:
    """The service, its clock, and ways to use it."""

    service: ServiceUnderTest
    clock: MovedClock
    public: Any = field(init=False)

    def __post_init__(self) -> None:
        self.public = self.service.stub(AuthServiceStub)

    async def attempt(self, email: str = "ana@example.com", password: str = PASSWORD, *, address: str = HOME, **more: Any) -> Any:
        """A log-in from an address: its answer, or what it raises."""
        request = pb.LogInRequest(email=email, password=password, **more)
        return await self.public.LogIn(request, metadata=[("x-client-address", address)])

    async def log_in(self, email: str = "ana@example.com", password: str = PASSWORD, **more: Any) -> Person:
        """Somebody who is there already, in a new session."""
        answer = await self.attempt(email, password, **more)
        return Person(self, answer.account_id, email, answer.tokens)

    async def person(self, email: str = "ana@example.com", **changes: Any) -> Person:
        """Somebody new, logged in."""
        await self.public.RegisterAccount(registration(email=email, **changes))
        return await self.log_in(email)

    async def admin(self) -> Person:
        """The administrator, logged in."""
        return await self.log_in(SECRET["ADMIN_EMAIL"], SECRET["ADMIN_PASSWORD"])

    async def mails(self, person: Person, kind: "mail_pb.SecurityMailKind.ValueType") -> list[mail_pb.GetSecurityMailResponse]:
        """The mails of a kind that are to be sent for the person, oldest first, as notification gets them."""
        stub = self.service.stub(SecurityMailServiceStub, caller="notification")
        events = await self.service.published(SecurityMailRequested)
        found = []
        for event in events:
            mail = await self.service.runtime.database.collection(MailDocument).get(event.mail_id)
            if event.account_id == person.account_id and mail is not None and mail.state == MailState.READY.value:
                letter = await stub.GetSecurityMail(mail_pb.GetSecurityMailRequest(mail_id=event.mail_id))
                found += [letter] if letter.kind == kind else []
        return found

    async def recipients_are_found(self) -> None:
        """Returns when nothing waits any more for whom it is for."""
        mails = self.service.runtime.database.collection(MailDocument)

        async def is_done() -> bool:
            return await mails.count({"state": MailState.ASKED.value}) == 0

        await until(is_done)

    async def with_totp(self, person: Person) -> tuple[pyotp.TOTP, list[str]]:
        """Switches two-step log-in on: the app, and the recovery codes."""
        stub = await person.stub(TotpServiceStub)
        app = pyotp.TOTP((await stub.EnrolTotp(totp_pb.EnrolTotpRequest())).secret)
        answer = await stub.ConfirmTotp(totp_pb.ConfirmTotpRequest(code=self.code(app)))
        return app, list(answer.recovery_codes)

    def code(self, app: pyotp.TOTP, steps: int = 0) -> str:
        """What the app shows, some half minutes from now."""
        return app.at(self.clock.now() + steps * timedelta(seconds=30))
