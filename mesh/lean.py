"""Keeps what is installed beside a service, but not used by it, out of its memory: each such library costs every process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*libraries: str) -> Iterator[None]:
    """Inside, importing any of these fails as if it were not installed, unless it is imported already.

    For libraries that look for optional companions as they are imported: structlog for rich (6 MB), redis for the
    OpenTelemetry SDK.
    """
    absent = [name for name in libraries if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # how importlib itself marks what cannot be imported
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
