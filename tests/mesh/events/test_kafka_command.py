"""`make test-kafka` on a machine that cannot run Apache Kafka says so in a sentence."""

import subprocess
import sys
from pathlib import Path

import pytest

from mesh.local.program import StackError
from tests.kafka import apache

ROOT = Path(__file__).parents[3]
OLD_JAVA = "#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n"


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    "present, sentence",
    [
        ({}, "there is no java."),
        ({"java": 'exec echo "version \\"21\\"" >&2'}, "there is no mvn."),
        ({"java": OLD_JAVA, "mvn": ""}, 'java is openjdk version "11.0.2".'),
    ],
)
def test_what_is_missing_is_told_in_a_sentence(present: dict[str, str], sentence: str, tmp_path: Path) -> None:
    for name, text in present.items():
        program(tmp_path, name, text)
    told = subprocess.run(
        [sys.executable, "-m", "tests.kafka"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": str(tmp_path), "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}"},
    )
    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr == f"The tests on Apache Kafka need Java 17 or newer and Maven on PATH: {sentence}\n"


def test_what_maven_complains_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "java", "#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    program(tmp_path, "mvn", "#!/bin/sh\necho '[ERROR] no network'\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(apache, "_JARS", tmp_path / "jars")
    with pytest.raises(StackError, match=r"Maven could not fetch the jars of Apache Kafka: \[ERROR\] no network"):
        apache.fetch_jars()
