"""What chat holds of a person: told to them alone, and without words after an erasure."""

import pytest
from marketplace.chat.v1 import privacy_service_pb2 as privacy_pb
from marketplace.chat.v1.privacy_service_pb2_grpc import PrivacyServiceStub
from marketplace.user.v1.events_pb2 import PersonErased

from mesh.call import Account
from mesh.errors import Forbidden, NotFound
from tests.services.chat.support import Talk


async def exported(talk: Talk, who: Account, whose: Account, caller: str = "user") -> list[str]:
    request = privacy_pb.ExportPersonRequest(account_id=whose.account_id)
    answer = await talk.service.stub(PrivacyServiceStub, who, caller).ExportPerson(request)
    return [str(each.data["text"]) for each in answer.records]


async def test_a_person_is_told_what_they_wrote(talk: Talk) -> None:
    await talk.say(talk.stub(talk.customer), "1", "Hello.")
    assert await exported(talk, talk.customer, talk.customer) == ["Hello."]
    with pytest.raises(NotFound):
        await exported(talk, talk.provider, talk.customer)
    with pytest.raises(Forbidden):
        await exported(talk, talk.customer, talk.customer, caller="gateway")


async def test_the_words_of_an_erased_person_are_gone_and_the_others_stay(talk: Talk) -> None:
    await talk.say(talk.stub(talk.customer), "1", "I am Quintessa.")
    await talk.say(talk.stub(talk.provider), "1", "I am here.")
    for _ in range(2):
        await talk.service.deliver(PersonErased(account_id=talk.customer.account_id))
    left = await talk.service.stored()
    assert "Quintessa" not in left
    assert "I am here." in left
