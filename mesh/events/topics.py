"""The names of topics, and how many partitions each gets where this process has to create it."""

from collections.abc import Iterable

_DEAD = ".dead"


def topic_of(service: str) -> str:
    """The topic that a service publishes to; the contract's tests hold every event to it."""
    return f"marketplace.{service}.v1"


def dead_topic_of(topic: str) -> str:
    """Where events of a topic go that can never take effect."""
    return f"{topic}{_DEAD}"


def is_dead(topic: str) -> bool:
    """Whether this is where such events go."""
    return topic.endswith(_DEAD)


def with_dead_topics(topics: Iterable[str], partitions: int) -> dict[str, int]:
    """The partitions of each topic and of its dead letters, which need no more than one."""
    names = sorted(set(topics))
    return dict.fromkeys(names, partitions) | {dead_topic_of(name): 1 for name in names}
