"""The live history of a person is forgotten with them."""

from marketplace.user.v1.events_pb2 import PersonErased

from tests.services.realtime.conftest import Live


async def test_the_history_of_an_erased_person_is_forgotten(live: Live) -> None:
    await live.offer()
    redis = live.service.runtime.redis
    assert await redis.exists(f"live:{{{live.provider.account_id}}}")
    await live.service.deliver(PersonErased(account_id=live.provider.account_id))
    assert not await redis.exists(f"live:{{{live.provider.account_id}}}", f"live:{{{live.provider.account_id}}}:epoch")
