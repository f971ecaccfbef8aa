"""The local stack as a whole: what starts, what is told when it does not, and that nothing is left behind."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pymongo
import pytest

from mesh import contract
from mesh.local.addresses import EdgeAddresses, port_of
from mesh.local.ports import free_port, is_free
from mesh.local.program import accepts
from mesh.local.stack import SERVICES, Stack, StackError


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, "it did not come to be"
        time.sleep(0.01)


def running(folder: Path) -> list[psutil.Process]:
    """Every process that works in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def render_minimal(edge: EdgeAddresses) -> str:
    """An edge that answers everything itself."""

    def at(address: str) -> dict[str, Any]:
        host, _, port = address.rpartition(":")
        return {"socket_address": {"address": host, "port_value": int(port)}}

    kind = "type.googleapis.com/envoy.extensions.filters"
    router = {"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "here"}}}
    connections = {
        "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}]},
    }
    listener = {"address": at(edge.listen), "filter_chains": [{"filters": [{"name": "http", "typed_config": connections}]}]}
    return json.dumps({"admin": {"address": at(edge.admin)}, "static_resources": {"listeners": [listener]}})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of the servers, the simulators, a small edge and one real service."""
    stack = Stack(tmp_path_factory.mktemp("stack"), services=("analytics",), render_edge=render_minimal)
    stack.start()
    yield stack
    stack.stop()


@pytest.fixture
def small(tmp_path: Path, outside: dict[str, str]) -> Iterator[Stack]:
    """A stack of nothing but the simulators."""
    stack = Stack(tmp_path, services=(), with_edge=False, environment=outside)
    yield stack
    stack.stop()


def test_all_parts_run_and_can_be_reached(stack: Stack) -> None:
    assert set(stack.parts) == {"database", "broker", "cache", "analytics", "ratelimit", "simulators", "edge"}
    assert stack.crashed() == {}
    assert httpx.get(stack.addresses.edge).text == "here"
    assert httpx.get(f"{stack.addresses.mailbox}/messages").json() == {"messages": []}
    assert "# HELP" in httpx.get(stack.addresses.metrics["analytics"]).text
    assert accepts(port_of(stack.addresses.services["analytics"]))
    assert all(stack.log(name).is_file() for name in stack.parts)


def test_every_part_says_how_much_memory_it_takes(stack: Stack) -> None:
    resident = stack.resident_mb()
    assert resident.keys() == set(stack.parts)
    assert all(1 < megabytes < 300 for megabytes in resident.values())


def test_a_part_that_died_by_itself_is_told_with_its_log(stack: Stack) -> None:
    (process,) = [each for each in running(stack.folder) if "valkey-server" in each.name()]
    process.kill()
    wait_until(lambda: bool(stack.crashed()))
    assert stack.crashed().keys() == {"cache"}
    with pytest.raises(StackError, match=r"cache was ended by SIGKILL\.(?s:.*)Ready to accept connections"):
        stack.watch()
    stack.restart("cache")
    assert stack.crashed() == {}


def test_a_killed_part_is_no_crash_and_comes_back_at_the_same_address(stack: Stack) -> None:
    port = port_of(stack.addresses.services["analytics"])
    stack.kill("analytics")
    assert not accepts(port)
    assert stack.crashed() == {}
    stack.restart("analytics")
    assert accepts(port)


def test_a_paused_part_answers_nothing_until_it_is_resumed(stack: Stack) -> None:
    stack.pause("simulators")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{stack.addresses.mailbox}/messages", timeout=0.3)
    stack.resume("simulators")
    assert httpx.get(f"{stack.addresses.mailbox}/messages").status_code == 200


def test_a_part_that_does_not_exist_is_told(stack: Stack) -> None:
    with pytest.raises(StackError, match="payments is not a part of this stack, whose parts are database"):
        stack.kill("payments")


def test_a_second_stack_in_the_same_folder_is_refused_and_the_first_goes_on(stack: Stack) -> None:
    second = Stack(stack.folder, services=(), with_edge=False)
    with pytest.raises(StackError, match="running already"):
        second.start()
    assert stack.crashed() == {}


def test_secrets_are_for_the_owner_alone(stack: Stack) -> None:
    secret = [path for path in stack.folder.rglob("*") if path.name == "secrets.json" or path.suffix == ".key"]
    assert len(secret) == 5  # the secrets, and the keys of the authority, the gateway, the shared rates and the service
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    assert stack.admin[1] not in repr(stack.secrets)


def test_data_and_secrets_survive_a_restart_and_nothing_runs_in_between(tmp_path: Path, outside: dict[str, str]) -> None:
    environment = {name: url for name, url in outside.items() if name != "MONGO_URL"}
    stack = Stack(tmp_path, services=(), with_edge=False, environment=environment)
    try:
        stack.start()
        passwords = [stack.admin]
        (database,) = [each for each in running(tmp_path) if "secantus" in " ".join(each.cmdline())]
        url = f"mongodb://127.0.0.1:{listening(database)}/?directConnection=true"
        with pymongo.MongoClient[dict[str, Any]](url, w="majority", journal=True) as client:
            client.kept.things.insert_one({"_id": 1})
        stack.stop()
        assert running(tmp_path) == []
        stack.start()
        passwords.append(stack.admin)
        (database,) = [each for each in running(tmp_path) if "secantus" in " ".join(each.cmdline())]
        url = f"mongodb://127.0.0.1:{listening(database)}/?directConnection=true"
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            assert client.kept.things.count_documents({}) == 1
        assert passwords[0] == passwords[1]
    finally:
        stack.stop()


def listening(process: psutil.Process) -> int:
    (port,) = {each.laddr.port for each in process.net_connections() if each.status == psutil.CONN_LISTEN}
    return int(port)


def test_servers_outside_are_used_instead_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: dict[str, str]
) -> None:
    for name, url in outside.items():
        monkeypatch.setenv(name, url)
    told: list[tuple[str, str]] = []
    stack = Stack(tmp_path, services=(), with_edge=False)
    stack.start(lambda name, state, _seconds: told.append((name, state)))
    try:
        assert stack.parts == ("simulators",)
        assert told[:3] == [("database", "external"), ("broker", "external"), ("cache", "external")]
        assert told[3:] == [("simulators", "starting"), ("simulators", "ready")]
    finally:
        stack.stop()


@pytest.mark.parametrize(
    "name, variable", [("edge", "EDGE_PORT"), ("edge_admin", "EDGE_ADMIN_PORT"), ("mailbox", "MAILBOX_PORT")]
)
def test_a_taken_port_is_told_in_one_sentence_and_nothing_is_left_running(
    tmp_path: Path, name: str, variable: str, outside: dict[str, str]
) -> None:
    ports = {"EDGE_PORT": free_port(), "EDGE_ADMIN_PORT": free_port(), "MAILBOX_PORT": free_port()}
    environment = {**outside, **{key: str(port) for key, port in ports.items()}}
    stack = Stack(tmp_path, ports="fixed", services=(), render_edge=render_minimal, environment=environment)
    assert stack.addresses.ports[name] == ports[variable]
    with socket.create_server(("127.0.0.1", ports[variable])), pytest.raises(StackError) as failure:
        stack.start()
    assert str(failure.value) == f"Port {ports[variable]} is taken by another program: free it or set {variable}."
    assert running(tmp_path) == []


@pytest.mark.parametrize(
    "variable, url",
    [
        ("MONGO_URL", "mongodb://somebody:secret@127.0.0.1:1/?serverSelectionTimeoutMS=300"),
        ("MONGO_URL", "secret"),
        ("REDIS_URL", "redis://:secret@127.0.0.1:1/0"),
        ("REDIS_URL", "secret"),
        ("KAFKA_BOOTSTRAP", "127.0.0.1:1"),
    ],
)
def test_a_server_outside_that_does_not_answer_is_told_without_its_url(
    tmp_path: Path, outside: dict[str, str], variable: str, url: str
) -> None:
    stack = Stack(tmp_path, services=(), with_edge=False, environment={**outside, variable: url})
    with pytest.raises(StackError, match=f"^{variable} names a server that does not answer") as failure:
        stack.start()
    assert "secret" not in str(failure.value)
    assert running(tmp_path) == []


def test_a_port_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="EDGE_PORT must be a port"):
        Stack(tmp_path, ports="fixed", with_edge=False, environment={"EDGE_PORT": "eighty"})


def test_a_service_that_cannot_start_is_told_with_its_last_words_and_nothing_is_left_running(
    tmp_path: Path, outside: dict[str, str]
) -> None:
    stack = Stack(tmp_path, services=("analytics",), with_edge=False, environment={**outside, "LOG_LEVEL": "shout"})
    with pytest.raises(StackError, match=r"analytics ended with exit code 2\.(?s:.*)LOG_LEVEL must be one of"):
        stack.start()
    assert running(tmp_path) == []


def test_a_configuration_that_the_edge_refuses_is_told_and_nothing_is_left_running(
    tmp_path: Path, outside: dict[str, str]
) -> None:
    stack = Stack(tmp_path, services=(), render_edge=lambda _edge: '{"admin": 1}', environment=outside)
    with pytest.raises(StackError, match=r"edge ended with exit code 1"):
        stack.start()
    assert running(tmp_path) == []


def test_a_missing_program_is_told_and_nothing_is_left_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outside: dict[str, str]
) -> None:
    def missing() -> str:
        raise StackError("The program envoy is missing.")

    monkeypatch.setattr("mesh.local.parts.envoy_binary", missing)
    stack = Stack(tmp_path, services=(), render_edge=render_minimal, environment=outside)
    with pytest.raises(StackError, match="envoy is missing"):
        stack.start()
    assert running(tmp_path) == []


def test_stopping_twice_and_starting_again_is_fine(small: Stack) -> None:
    small.stop()
    small.start()
    mailbox = small.addresses.mailbox
    small.stop()
    small.stop()
    assert is_free(port_of(mailbox))
    small.start()
    assert small.addresses.mailbox == mailbox


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mesh.local.stack import Stack;"
        f"Stack(Path({str(tmp_path)!r}), services=('analytics',), with_edge=False).start();"
        "print('up', flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "up\n"
        assert len(running(tmp_path)) == 5
        supervisor.kill()
    wait_until(lambda: running(tmp_path) == [])


def test_the_stack_starts_every_service_of_the_contract() -> None:
    assert set(SERVICES) == {method.service for method in contract.methods()}
