"""Becomes the given program, tied to the process that started it: when that one ends, however it ends, the kernel ends this.

Run as a file, by an interpreter without site packages: it stands between the supervisor and every program of the stack.
"""

import ctypes
import os
import sys

_SET_PARENT_DEATH_SIGNAL = 1
_KILL = 9


def main() -> None:
    """Takes the starter's process id, then the program and its arguments."""
    starter, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, _KILL)
    if os.getppid() == int(starter):  # otherwise it ended before the line above took effect
        os.execvp(command[0], command)  # noqa: S606 - the stack's own programs


if __name__ == "__main__":
    main()
