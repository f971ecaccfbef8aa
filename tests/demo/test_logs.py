"""The logs, listed and followed."""

import json
from pathlib import Path

import pytest

from demo import logs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "up" / "logs").mkdir(parents=True)
    return tmp_path


def served(number: int) -> str:
    moment = "2026-01-02T03:04:05.678901Z"
    entry = {"method": f"/a.B/C{number}", "reason": "", "event": "call served", "service": "auth", "level": "info"}
    return json.dumps(entry | {"timestamp": moment}) + "\n"


def test_without_logs_it_is_said_where_they_come_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert logs.main(["--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "There are no logs yet: `make up` writes them.\n"


def test_all_logs_are_listed_with_size_and_last_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "up" / "logs" / "auth.log").write_text(served(1) + served(2) + "torn")
    (folder / "up" / "logs" / "broker.log").touch()
    assert logs.main(["--folder", str(folder)]) == 0
    head, auth, broker, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["part", "size", "last", "line"]
    assert auth.startswith("  auth               0.3 kB  ")
    assert auth.endswith("info    call served  method=/a.B/C2")
    assert broker.split() == ["broker", "0.0", "kB"]


def test_a_log_that_is_not_there_is_told_with_those_that_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "up" / "logs" / "auth.log").touch()
    assert logs.main(["payments", "--folder", str(folder)]) == 1
    assert capsys.readouterr().err == "There is no log of payments, but of auth.\n"


def test_following_begins_with_the_last_lines_and_goes_on_after_a_restart(folder: Path) -> None:
    log = folder / "auth.log"
    log.write_text("".join(served(number) for number in range(1000)))
    lines = logs.follow(log)
    assert json.loads(next(lines))["method"] > "/a.B/C900"
    while b"C999" not in next(lines):
        pass
    with log.open("a") as file:
        file.write(served(1000) + "tor")
        file.flush()
        assert b"C1000" in next(lines)
        file.write("n\n")
    assert next(lines) == b"torn\n"
    log.unlink()
    log.write_text(served(0))
    assert b"C0" in next(lines)


def test_a_line_that_is_no_entry_is_shown_as_it_is() -> None:
    for line in ("[info] Envoy says this", '"timestamp"', '{"event": 1}', '{"timestamp": "soon"}', "{", ""):
        assert logs.readable(line.encode()) == line
    assert logs.readable(b'{"timestamp": "2026-01-02T03:04:05Z", "path": "/\\u001b[2J"}').endswith(r'path="/\u001b[2J"')
