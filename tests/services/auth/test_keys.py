"""The keys that sign: one a day, the same in every process, all replaced at once in an emergency."""

from datetime import timedelta

import pytest
from marketplace.auth.v1 import auth_service_pb2 as pb
from marketplace.auth.v1.auth_service_pb2_grpc import AuthServiceStub

from mesh.errors import Unauthenticated
from mesh.ids import new_id
from services.auth.__main__ import assemble
from services.auth.keys import KeyChain
from services.auth.rotate_keys import rotate
from services.auth.settings import AuthSettings
from tests.mesh.waiting import until
from tests.services.auth.support import SECRET, AuthUnderTest
from tests.support.service import Backing, ServiceUnderTest, serving


async def published(service: ServiceUnderTest) -> set[str]:
    answer = await service.stub(AuthServiceStub).GetJsonWebKeySet(pb.GetJsonWebKeySetRequest())
    return {key.x for key in answer.keys}


async def test_a_later_life_and_another_process_have_the_same_keys(backing: Backing) -> None:
    prefix = f"{new_id('t')}_"
    async with serving("auth", assemble, AuthSettings, backing, environment=SECRET, database_prefix=prefix) as first:
        kept = await published(first)
        async with serving("auth", assemble, AuthSettings, backing, environment=SECRET, database_prefix=prefix) as second:
            assert await published(second) == kept
    async with serving("auth", assemble, AuthSettings, backing, environment=SECRET, database_prefix=prefix) as later:
        assert await published(later) == kept
        await later.runtime._mongo.drop_database(f"{prefix}auth")


async def test_tomorrows_key_is_published_before_it_signs_and_yesterdays_after(auth: AuthUnderTest) -> None:
    keys = KeyChain(auth.service.runtime.database, SECRET["KEY_ENCRYPTION_SECRET"])
    await keys.refresh()
    today = {str(key["kid"]) for key in await keys.public_keys()}
    signing = keys.signing_key()[0]
    auth.clock.ahead = timedelta(days=1)
    await keys.refresh()
    tomorrow = {str(key["kid"]) for key in await keys.public_keys()}
    assert keys.signing_key()[0] in today - {signing}
    assert signing in tomorrow
    auth.clock.ahead = timedelta(days=2)
    await keys.refresh()
    assert signing not in {str(key["kid"]) for key in await keys.public_keys()}


async def test_after_an_emergency_no_earlier_token_counts_and_sessions_go_on(auth: AuthUnderTest) -> None:
    ana = await auth.person()
    await ana.account()
    before = await published(auth.service)
    await rotate(auth.service.runtime.settings)

    async def are_replaced() -> bool:
        return before.isdisjoint(await published(auth.service))

    assert await until(are_replaced) < 8, "a process of auth looks every five seconds"
    verifier = auth.service.runtime.verifier
    await verifier.keys.refresh()
    assert verifier.recall(ana.tokens.access_token) is None
    with pytest.raises(Unauthenticated, match="TOKEN_INVALID"):
        await ana.account()
    await ana.refresh()
    assert (await ana.account()).account_id == ana.account_id


async def test_a_second_emergency_replaces_the_keys_of_the_first(auth: AuthUnderTest) -> None:
    keys = KeyChain(auth.service.runtime.database, SECRET["KEY_ENCRYPTION_SECRET"])
    seen: set[str] = set()
    for _ in range(3):
        await keys.replace_all()
        found = {str(key["kid"]) for key in await keys.public_keys()}
        assert len(found) == 2
        assert seen.isdisjoint(found)
        seen |= found


async def test_metadata_say_where_the_keys_are(auth: AuthUnderTest) -> None:
    answer = await auth.public.GetIssuerMetadata(pb.GetIssuerMetadataRequest())
    assert (answer.issuer, answer.jwks_uri) == ("https://auth.marketplace", "https://auth.marketplace/.well-known/jwks.json")
    assert list(answer.id_token_signing_alg_values_supported) == ["EdDSA"]
