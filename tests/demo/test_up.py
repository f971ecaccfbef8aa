"""`python -m demo.up` as a user starts it, looks around, and stops it."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from demo.addresses import example, page
from mesh.local.ports import free_port
from mesh.local.stack import SERVICES, Stack
from tests.demo.processes import expect_nothing_left, program, read_to_the_end, read_until, working_in

LAST_LINE = "Ctrl-C stops everything"


def ports() -> dict[str, str]:
    return {name: str(free_port()) for name in ("EDGE_PORT", "EDGE_ADMIN_PORT", "MAILBOX_PORT")}


def rows(shown: str) -> dict[str, str]:
    """The page's table by its first column."""
    return dict(re.findall(r"^  (\S.*?)  +(\S.*)$", shown, re.MULTILINE))


def look_around(shown: str, given: dict[str, str]) -> None:
    """Opens every address of the page, logs in as everybody on it, and pastes its example."""
    row = rows(shown)
    edge = row["edge: REST, gRPC-web, gRPC"]
    assert edge.endswith(f":{given['EDGE_PORT']}")
    assert row["Envoy's admin"].endswith(f":{given['EDGE_ADMIN_PORT']}")
    assert row["mailbox"].endswith(f":{given['MAILBOX_PORT']}")
    assert httpx.get(row["OpenAPI"]).json()["openapi"]
    assert httpx.get(row["Envoy's admin"]).is_success
    assert httpx.get(row["mailbox"]).is_success
    assert all("# HELP" in httpx.get(row[f"metrics of {service}"]).text for service in SERVICES)
    for role in ("customer", "provider", "administrator"):
        email, password = row[role].split(maxsplit=1)
        assert httpx.post(f"{edge}/v1/sessions", json={"email": email, "password": password}).is_success
    command = example(edge)
    assert command in shown
    if shutil.which("curl"):
        answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
        assert '"price_model":"PRICE_MODEL_' in answer


@pytest.mark.timeout(300)
def test_it_stays_up_until_it_is_asked_to_end_and_finds_its_data_again(tmp_path: Path) -> None:
    given = ports()
    with program("demo.up", tmp_path, given) as process:
        shown = read_until(process, LAST_LINE)
        assert "Seeding 211 people" in shown
        look_around(shown, given)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)  # the impatient change nothing
        assert "Everything is stopped. The data stay in" in read_to_the_end(process)
    assert process.returncode == 0
    expect_nothing_left(tmp_path)
    with program("demo.up", tmp_path, given) as process:
        shown = read_until(process, LAST_LINE)
        assert "What was stored before is there." in shown
        look_around(shown, given)
        (chat,) = [each for each in working_in(tmp_path) if "services.chat" in each.cmdline()]
        chat.kill()
        death = read_to_the_end(process)
    assert process.returncode == 1
    assert "\nchat was ended by SIGKILL. The last lines of " in death
    assert "Everything else is stopped too" in death
    expect_nothing_left(tmp_path)


@pytest.mark.parametrize("variable", ["EDGE_PORT", "EDGE_ADMIN_PORT", "MAILBOX_PORT"])
def test_a_taken_port_is_told_in_a_sentence(tmp_path: Path, variable: str) -> None:
    given = ports()
    with socket.create_server(("127.0.0.1", int(given[variable]))), program("demo.up", tmp_path, given) as process:
        shown = read_to_the_end(process)
    assert process.returncode == 1
    assert shown.endswith(f"\nPort {given[variable]} is taken by another program: free it or set {variable}.\n")
    expect_nothing_left(tmp_path)


def test_a_port_that_is_none_is_told_in_a_sentence(tmp_path: Path) -> None:
    with program("demo.up", tmp_path, {"EDGE_PORT": "http"}) as process:
        shown = read_to_the_end(process)
    assert process.returncode == 1
    assert shown.endswith("\nEDGE_PORT must be a port from 1 to 65535.\n")


def test_an_end_while_it_starts_leaves_nothing_running(tmp_path: Path) -> None:
    with program("demo.up", tmp_path, ports()) as process:
        read_until(process, "  database ")
        assert psutil.Process(process.pid).children()
        process.send_signal(signal.SIGHUP)
        assert "Everything is stopped." in read_to_the_end(process)
    assert process.returncode == 0
    expect_nothing_left(tmp_path)


def test_the_url_of_a_server_outside_is_not_shown_because_it_may_hold_a_password(tmp_path: Path) -> None:
    stack = Stack(tmp_path, with_edge=False)
    stack.urls = {"database": "mongodb://root:secret@db/", "broker": "kafka:9092", "cache": "redis://:secret@cache/"}
    assert "secret@" not in page(stack)
    assert rows(page(stack))["database"] == "a server outside, as the environment says"
