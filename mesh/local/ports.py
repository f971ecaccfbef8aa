"""Free ports on loopback that stay free: below those that the system gives to outgoing connections, in blocks claimed by lock."""

import fcntl
import os
import random
import socket
import tempfile
import threading
from pathlib import Path

LOOPBACK = "127.0.0.1"

_BLOCK = 50
_LOWEST = 10_000
_USUAL_EPHEMERAL = 32_768
_KERNEL_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

_guard = threading.Lock()
_left: list[int] = []
_reserved: set[int] = set()
_locks: list[int] = []  # open files, whose locks end with the process


def free_port() -> int:
    """A port on loopback that nobody listens on, and that no other caller of this function gets while this process lives."""
    with _guard:
        while True:
            if not _left:
                _left.extend(_claim_block())
            port = _left.pop()
            if port not in _reserved and is_free(port):
                return port


def reserve(port: int) -> None:
    """Keeps a port that was chosen otherwise from being given to a caller of free_port in this process."""
    _reserved.add(port)


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a program could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def _claim_block() -> list[int]:
    folder = Path(tempfile.gettempdir()) / f"marketplace-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    blocks = list(range(_LOWEST, _highest() - _BLOCK, _BLOCK))
    random.shuffle(blocks)
    for first in blocks:
        lock = os.open(folder / str(first), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        _locks.append(lock)
        return list(range(first + _BLOCK - 1, first - 1, -1))
    raise OSError("every block of ports on this machine is claimed")


def _highest() -> int:
    """The first port that the system may give to an outgoing connection, which would then be taken when a program listens."""
    if not _KERNEL_RANGE.is_file():
        return _USUAL_EPHEMERAL
    first = int(_KERNEL_RANGE.read_text().split()[0])
    return first if first >= _LOWEST + 10 * _BLOCK else _USUAL_EPHEMERAL
