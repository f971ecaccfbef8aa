"""What is sent together goes out in turns: a key's next record when its last one is safe."""

import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from mesh.errors import Unavailable
from mesh.events.broker import Broker, Record, _turns
from mesh.events.outbox import KEPT_SECONDS
from mesh.ids import new_id
from tests.mesh.events.flow import REFUSED, asking, settings_of

pytestmark = REFUSED


def records(keys: str, topic: str = "t") -> list[Record]:
    return [Record(topic, key.encode(), b"") for key in keys]


@pytest.mark.parametrize(
    "keys, turns", [("", []), ("abc", [[0, 1, 2]]), ("aaa", [[0], [1], [2]]), ("abacab", [[0, 1, 3], [2, 5], [4]])]
)
def test_a_key_comes_up_once_a_turn(keys: str, turns: list[list[int]]) -> None:
    assert _turns(records(keys)) == turns


async def test_topics_are_made_once_and_known_by_their_ids(broker: Broker) -> None:
    name = new_id("topic")
    assert await broker.topic_ids([name]) == {}
    made = await broker.ensure_topics({name: 2})
    assert await broker.ensure_topics({name: 2}) == made == await broker.topic_ids([name])
    assert await broker.end_offsets(name) == {0: 0, 1: 0}


async def test_what_is_sent_is_found_where_it_is_said_to_lie(broker: Broker) -> None:
    name = new_id("topic")
    await broker.ensure_topics({name: 1})
    sent = await broker.send(records("aab", name))
    assert sorted(place.offset for place in sent if place is not None) == [0, 1, 2]


async def test_a_broker_that_is_not_there_is_told() -> None:
    async with asking(settings_of("127.0.0.1:1")) as broker:
        with pytest.raises(Unavailable, match="DEPENDENCY_UNAVAILABLE"):
            await broker.topic_ids(["t"])


@pytest.mark.only_broker("kafka", reason="Tansu does not tell the configuration of its topics")
async def test_topics_forget_when_the_outbox_does(broker: Broker) -> None:
    name = new_id("topic")
    await broker.ensure_topics({name: 1})
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name)]
    found = await broker._call(lambda: broker._ask_admin().describe_configs(wanted))
    assert found["topic"][name]["retention.ms"]["value"] == str(KEPT_SECONDS * 1000)
