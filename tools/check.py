"""Everything that can be said of the code without running it: format, lint, types, import rules, the contract, generated code."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.generate import GENERATED, IMAGE, ROOT, write_image

_BIN = Path(sys.executable).parent
_PACKAGES = [name for name in ("bench", "demo", "gateway", "mesh", "services", "tests", "tools") if (ROOT / name).is_dir()]


def main() -> int:
    """Runs every check, whatever the others say. Returns the exit code."""
    os.chdir(ROOT)
    checks: dict[str, Callable[[], str]] = {
        "format": lambda: _run("ruff", "format", "--check", "--quiet", "--diff", *_PACKAGES),
        "lint": lambda: _run("ruff", "check", "--quiet", *_PACKAGES),
        "types": lambda: _run("mypy", *_PACKAGES),
        "imports": lambda: _run("lint-imports", "--no-logo"),
        "generated code": lambda: _run("python", "-m", "tools.generate", "--check"),
        "contract lint": lambda: _run("buf", "lint", str(GENERATED / IMAGE), "--path", "marketplace"),
        "contract compatibility": _find_breaking_changes,
    }
    return 1 if [name for name, check in checks.items() if not _passes(name, check)] else 0


def _passes(name: str, check: Callable[[], str]) -> bool:
    started = time.monotonic()
    complaint = check()
    seconds = time.monotonic() - started
    print(f"{'FAILED' if complaint else 'ok':<7}{name:<24}{seconds:5.1f} s", flush=True)
    if complaint:
        print(complaint.rstrip() + "\n", flush=True)
    return not complaint


def _run(tool: str, *arguments: str) -> str:
    """What the tool complains of; empty when it is content."""
    done = subprocess.run([_BIN / tool, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    return (done.stdout + done.stderr) or f"{tool} ended with exit code {done.returncode}"


def _find_breaking_changes() -> str:
    """Compares the contract with the one of the last commit; when nothing was changed since, with the one before that."""
    is_changed = bool(_git("status", "--porcelain", "--", "protos").strip())
    commits = _git("log", "--format=%H", "-2", "--", "protos").split()
    if not is_changed:
        commits = commits[1:]
    if not commits:
        print("       (no earlier contract in this clone's history to compare with)")
        return ""
    with tempfile.TemporaryDirectory() as temporary:
        archive = subprocess.run(["git", "archive", commits[0], "protos"], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", temporary], input=archive, check=True)
        earlier = Path(temporary) / "earlier.binpb"
        write_image(Path(temporary) / "protos", earlier)
        return _run("buf", "breaking", str(GENERATED / IMAGE), "--against", str(earlier), "--exclude-imports")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
