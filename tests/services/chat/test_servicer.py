"""chat as its callers see it: members only, ordered, deduplicated, a stream without gaps."""

import asyncio
from contextlib import aclosing

import pytest
from marketplace.chat.v1 import chat_service_pb2 as pb
from marketplace.chat.v1.events_pb2 import MessageSent
from marketplace.user.v1.events_pb2 import BlockChanged

from mesh.errors import Conflict, NotAllowedNow, NotFound
from mesh.ids import new_id
from tests.services.chat.support import Talk
from tests.support.service import Backing


async def test_history_is_ordered_and_a_message_that_is_sent_again_is_the_same(talk: Talk) -> None:
    customer, provider = talk.stub(talk.customer), talk.stub(talk.provider)
    first = await talk.say(customer, "1", "hello")
    await talk.say(provider, "1", "hello you")
    assert await talk.say(customer, "1", "hello") == first
    listed = await customer.ListMessages(pb.ListMessagesRequest(booking_id=talk.booking_id))
    assert [(each.sequence, each.text) for each in listed.messages] == [(1, "hello"), (2, "hello you")]
    [one, two] = await talk.service.published(MessageSent)
    assert (one.recipient_id, two.recipient_id) == (talk.provider.account_id, talk.customer.account_id)
    with pytest.raises(Conflict) as refusal:
        await talk.say(customer, "1", "other words")
    assert refusal.value.reason == "MESSAGE_ID_REUSED"


async def test_many_at_once_are_numbered_without_gaps(talk: Talk) -> None:
    stubs = (talk.stub(talk.customer), talk.stub(talk.provider))
    sent = await asyncio.gather(*(talk.say(stubs[number % 2], str(number), "x") for number in range(20)))
    assert sorted(each.sequence for each in sent) == list(range(1, 21))


async def test_history_comes_in_parts(talk: Talk) -> None:
    stub = talk.stub(talk.customer)
    for number in range(5):
        await talk.say(stub, str(number), "x")
    request = pb.ListMessagesRequest(booking_id=talk.booking_id, after_sequence=1, page_size=2)
    part = await stub.ListMessages(request)
    assert ([each.sequence for each in part.messages], part.has_more) == ([2, 3], True)
    request.after_sequence, request.page_size = 3, 1_000_000_000
    rest = await stub.ListMessages(request)
    assert ([each.sequence for each in rest.messages], rest.has_more) == ([4, 5], False)


async def test_stream_gives_what_is_there_and_what_comes_once(talk: Talk) -> None:
    customer, provider = talk.stub(talk.customer), talk.stub(talk.provider)
    await talk.say(customer, "0", "before")
    received: list[int] = []
    async with aclosing(provider.StreamMessages(pb.StreamMessagesRequest(booking_id=talk.booking_id))) as stream:
        sending = asyncio.create_task(asyncio.wait([asyncio.create_task(talk.say(customer, f"n{n}", "x")) for n in range(9)]))
        async for response in stream:
            received.append(response.message.sequence)
            if len(received) == 10:
                break
        await sending
    assert received == list(range(1, 11))


async def test_strangers_find_no_conversation(talk: Talk, backing: Backing) -> None:
    stranger = talk.stub(backing.account("customer", "provider"))
    await talk.say(talk.stub(talk.customer), "1", "hello")  # its answer of who takes part is remembered now
    for call in (
        talk.say(stranger, "1", "hello"),
        stranger.ListMessages(pb.ListMessagesRequest(booking_id=talk.booking_id)),
        anext(stranger.StreamMessages(pb.StreamMessagesRequest(booking_id=talk.booking_id))),
        talk.stub(talk.customer).ListMessages(pb.ListMessagesRequest(booking_id=new_id("bkg"))),
    ):
        with pytest.raises(NotFound) as refusal:
            await call
        assert refusal.value.reason == "CONVERSATION_NOT_FOUND"


@pytest.mark.parametrize("is_by_customer", [True, False])
async def test_two_of_whom_one_has_blocked_the_other_cannot_write_but_read(talk: Talk, is_by_customer: bool) -> None:
    customer, provider = talk.stub(talk.customer), talk.stub(talk.provider)
    first = await talk.say(customer, "1", "Hello.")
    ids = [talk.customer.account_id, talk.provider.account_id]
    blocker_id, blocked_id = ids if is_by_customer else reversed(ids)
    block = BlockChanged(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=True, revision=1)
    await talk.service.deliver(block)
    for stub in (customer, provider):
        with pytest.raises(NotAllowedNow) as refusal:
            await talk.say(stub, "2", "Are you there?")
        assert refusal.value.reason == "PERSON_BLOCKED"
        assert len((await stub.ListMessages(pb.ListMessagesRequest(booking_id=talk.booking_id))).messages) == 1
    assert await talk.say(customer, "1", "Hello.") == first, "what was taken stays taken"
    end = BlockChanged(blocker_id=blocker_id, blocked_id=blocked_id, is_blocked=False, revision=2)
    for event in (end, block):
        await talk.service.deliver(event)
    assert (await talk.say(provider, "2", "Here.")).sequence == 2
