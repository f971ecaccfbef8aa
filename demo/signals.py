"""How the demo's programs are ended from outside: Ctrl-C, SIGTERM and a closed terminal are one and the same wish."""

import signal
from types import FrameType

_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_on_signals() -> None:
    """The first signal raises KeyboardInterrupt; more of them change nothing, so that everything is stopped in order.

    Also where the starter had SIGINT ignored, as shells do for what they start in the background.
    """
    for number in _WISHES:
        signal.signal(number, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    for number in _WISHES:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
