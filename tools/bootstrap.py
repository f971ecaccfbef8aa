"""Makes a fresh clone ready: virtual environment, locked dependencies, generated code. Run by make before everything else.

Uses the standard library alone and syntax that an old Python can still read, so that it can refuse it in one sentence.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(ROOT, "requirements.lock")
STAMP = os.path.join(VENV, "requirements.sha256")
LOCAL = os.path.join(ROOT, ".local")
OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11")


class BootstrapError(Exception):
    """Something is missing on this machine; the message says what to do."""


def main() -> int:
    """Prepares the clone. Returns the exit code."""
    if sys.version_info < OLDEST:
        return restart_with_newer_python()
    os.makedirs(LOCAL, exist_ok=True)
    try:
        with open(os.path.join(LOCAL, "bootstrap.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # make up and make test may start at the same time
            install()
            run([PYTHON, os.path.join(ROOT, "tools", "generate.py")], "protos/ could not be compiled.")
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def restart_with_newer_python() -> int:
    """Goes on with a newer Python when one can be found, else says which one is needed."""
    for name in NEWER_NAMES:
        path = shutil.which(name)
        if path and subprocess.call([path, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]) == 0:
            return subprocess.call([path, os.path.abspath(__file__)])
    sentence = "Python 3.11 or newer is needed, this is %d.%d: install one, or name it with `make PYTHON=/path/to/python3`."
    print(sentence % sys.version_info[:2], file=sys.stderr)
    return 1


def install() -> None:
    """Installs the locked dependencies unless they are there already."""
    wanted = wanted_stamp()
    if os.path.exists(PYTHON) and os.path.exists(STAMP):
        with open(STAMP) as stamp:
            if stamp.read() == wanted:
                return
    make_environment()
    started = time.monotonic()
    print("Installing the locked dependencies into .venv (once, about a minute) ...", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    failed = "The dependencies could not be installed: see above; is the package index reachable?"
    run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", LOCK], failed)
    write_path_file()
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    print("Installed in %.0f s." % (time.monotonic() - started), flush=True)


def make_environment() -> None:
    """A virtual environment with pip; an unfinished one is made anew."""
    if os.path.exists(PYTHON) and subprocess.call([PYTHON, "-c", "import pip"], stderr=subprocess.DEVNULL) == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    failed = "A virtual environment could not be made: install Python's venv module (Debian, Ubuntu: `apt install python3-venv`)."
    run([sys.executable, "-m", "venv", VENV], failed)


def write_path_file() -> None:
    """Lets this environment import the project and its generated code from wherever it is run."""
    packages = subprocess.check_output([PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).decode().strip()
    with open(os.path.join(packages, "marketplace.pth"), "w") as file:
        file.write("%s\n%s\n" % (ROOT, os.path.join(ROOT, "generated")))


def wanted_stamp() -> str:
    """Changes when the lock, the interpreter or the place of the clone does."""
    with open(LOCK, "rb") as lock:
        return hashlib.sha256(lock.read() + ("%s %s" % (sys.version, ROOT)).encode()).hexdigest()


def run(command: "list[str]", sentence: str) -> None:
    """Runs a command. Raises BootstrapError with the sentence when it fails."""
    if subprocess.call(command) != 0:
        raise BootstrapError(sentence)


if __name__ == "__main__":
    sys.exit(main())
