"""What auth holds of a person: told without the secret, and gone after an erasure."""

from typing import Any

import pytest
from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1 import privacy_service_pb2 as privacy_pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceStub
from marketplace.auth.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.call import Account
from mesh.errors import Unauthenticated
from services.auth.__main__ import assemble
from services.auth.settings import AuthSettings
from tests.support.service import Backing, ServiceUnderTest, serving

ACCOUNT = {"email": "ana@example.com", "password": "nine purple lamps"}


async def registered(auth: ServiceUnderTest, stub: Any) -> pb.LogInResponse:
    roles = [pb.ACCOUNT_ROLE_CUSTOMER]
    await stub.RegisterAccount(pb.RegisterAccountRequest(**ACCOUNT, display_name="Quintessa", roles=roles))
    session: pb.LogInResponse = await stub.LogIn(pb.LogInRequest(**ACCOUNT))
    return session


async def test_account_and_sessions_are_told_without_the_password_and_then_erased(backing: Backing) -> None:
    environment = {"KEY_ENCRYPTION_SECRET": "a secret of this test"}
    async with serving("auth", assemble, AuthSettings, backing, environment=environment) as auth:
        stub = auth.stub(AuthServiceStub)
        session = await registered(auth, stub)
        account = Account(session.account_id, frozenset({"customer"}), "ses", session.tokens.access_token)
        privacy = auth.stub(PrivacyServiceStub, account, "user")
        first = await privacy.ExportPerson(privacy_pb.ExportPersonRequest(account_id=session.account_id))
        [record] = first.records
        assert (record.data["display_name"], "password_hash" in record.data) == ("Quintessa", False)
        for _ in range(2):
            await auth.deliver(PersonErased(account_id=session.account_id))
        left = await auth.stored()
        assert "Quintessa" not in left
        assert "ana@example.com" not in left
        with pytest.raises(Unauthenticated):
            await stub.LogIn(pb.LogInRequest(**ACCOUNT))
        with pytest.raises(Unauthenticated):
            await stub.RefreshSession(pb.RefreshSessionRequest(refresh_token=session.tokens.refresh_token))
