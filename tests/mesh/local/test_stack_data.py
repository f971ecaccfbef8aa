"""What a stack keeps in its folder, and where its servers are."""

from pathlib import Path
from typing import Any

import pymongo
import pytest

from mesh.local.addresses import choose_addresses, port_of
from mesh.local.ports import free_port
from mesh.local.stack import Stack, StackError


@pytest.fixture
def own_database(outside: dict[str, str]) -> dict[str, str]:
    """All servers but the database are outside."""
    return {name: url for name, url in outside.items() if name != "MONGO_URL"}


def test_a_fresh_stack_begins_without_what_was_stored_but_takes_nothing_from_a_running_one(
    tmp_path: Path, own_database: dict[str, str]
) -> None:
    stored = tmp_path / "data" / "stored"
    stored.parent.mkdir()
    stored.touch()
    stack = Stack(tmp_path, services=(), with_edge=False, fresh=True, environment=own_database)
    try:
        stack.start()
        assert not stored.exists()
        stored.touch()
        with pytest.raises(StackError, match="running already"):
            Stack(tmp_path, services=(), with_edge=False, fresh=True, environment=own_database).start()
        assert stored.exists()
    finally:
        stack.stop()


def test_the_urls_of_its_servers_are_told_its_own_and_those_outside(tmp_path: Path, own_database: dict[str, str]) -> None:
    stack = Stack(tmp_path, services=(), with_edge=False, environment=own_database)
    try:
        stack.start()
        with pymongo.MongoClient[dict[str, Any]](stack.urls["database"]) as client:
            assert client.admin.command("ping")["ok"] == 1
        assert (stack.urls["broker"], stack.urls["cache"]) == (own_database["KAFKA_BOOTSTRAP"], own_database["REDIS_URL"])
    finally:
        stack.stop()


def test_a_port_that_a_person_chose_is_given_to_nothing_else() -> None:
    begun = free_port()
    chosen = dict(zip(("EDGE_PORT", "EDGE_ADMIN_PORT", "MAILBOX_PORT"), range(begun + 1, begun + 4), strict=True))
    at = choose_addresses("fixed", {name: str(port) for name, port in chosen.items()})
    assert at.ports["edge"] == chosen["EDGE_PORT"]
    others = [at.smtp, at.stripe, at.websocket, at.jwks, at.rate_limit, *at.services.values(), *at.metrics.values()]
    ports = [port_of(address) for address in (at.edge, at.edge_admin, at.mailbox, *others)]
    assert len(ports) == len(set(ports)) == 25
