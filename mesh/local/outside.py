"""Servers outside of the stack, which stand in for its own: asked once whether they answer, before anything relies on them."""

import socket
from collections.abc import Callable, Mapping

from mesh.local.program import StackError

_SECONDS = 5


def require_answering(variable: str, url: str) -> None:
    """Returns when the server that the variable names answers. Raises StackError, without the URL: it may hold a password."""
    try:
        _ASK[variable](url)
    except Exception as error:
        raise StackError(
            f"{variable} names a server that does not answer ({type(error).__name__}): start it, correct {variable}, "
            f"or unset it so that the stack starts its own."
        ) from None


def _ask_mongo(url: str) -> None:
    import pymongo

    with pymongo.MongoClient[dict[str, object]](url) as client, pymongo.timeout(_SECONDS):
        client.admin.command("ping")


def _ask_redis(url: str) -> None:
    from redis import Redis

    with Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as client:
        client.ping()


def _ask_kafka(bootstrap: str) -> None:
    """One of the brokers has to accept a connection; kafka-python's own clients leave sockets open when none does."""
    failure: Exception = ValueError(bootstrap)
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
        except (OSError, ValueError) as error:
            failure = error
        else:
            return
    raise failure


_ASK: Mapping[str, Callable[[str], None]] = {"MONGO_URL": _ask_mongo, "REDIS_URL": _ask_redis, "KAFKA_BOOTSTRAP": _ask_kafka}
