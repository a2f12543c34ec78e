"""A walk through all members of HDF5 files and their texts, by a process of its own: ``python -m acyclome.io.walk 5``.

It takes the seconds of processor for a member, beyond which it is ended (SIGPROF). Of each path that it reads, a line
of hexadecimal digits, it says 0 once the walk is over, and ends if nobody asks any more.
"""

from __future__ import annotations

import faulthandler
import os
import select
import signal
import sys
from contextlib import suppress
from typing import Any

from acyclome.errors import is_of_memory

NO_MEMORY = 3  # exit code
IDLE_S = 5.0  # until which it waits for the next path: a run opens its files within a second, or stages later
_TEXTS = 100_000


def main() -> None:
    """Walk through files as they are named; that a member cannot be read is found out by who reads it."""
    import h5py  # noqa: F401 - before anybody's time runs

    faulthandler.disable()  # a crash is told by who started this, in a line
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # to which the other answers
    seconds = float(sys.argv[1])
    while select.select([sys.stdin], [], [], IDLE_S)[0] and (line := sys.stdin.readline()):
        try:
            walk(os.fsdecode(bytes.fromhex(line)), seconds)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the file was left alive
            if is_of_memory(error):
                sys.exit(NO_MEMORY)
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        sys.stdout.write("0\n")
        sys.stdout.flush()


def walk(path: str, seconds: float) -> None:
    """Look at every member, each within a time of its own."""
    import h5py

    signal.setitimer(signal.ITIMER_PROF, seconds)
    with h5py.File(path, "r") as handle:
        look(handle, seconds)
        handle.visititems(lambda _, node: look(node, seconds))


def look(node: Any, seconds: float) -> None:
    """Read attributes and texts; what is asked for at once has the time of a member."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    for name in node.attrs:
        with suppress(Exception):
            node.attrs[name]
    if getattr(node, "dtype", None) is None or node.dtype.kind != "O":
        return
    for start in range(0, len(node) if node.shape else 0, _TEXTS):
        signal.setitimer(signal.ITIMER_PROF, seconds)
        with suppress(Exception):
            node[start : start + _TEXTS]


if __name__ == "__main__":
    main()
