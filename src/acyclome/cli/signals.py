"""Ctrl-C, and the signal with which schedulers end jobs: answered at once, also from inside compiled code.

Python runs handlers between its own instructions in the main thread, so a kernel of minutes, or threads that are waited
for, would delay the answer. A thread that the system wakes gives the work a moment to end in order, and then ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from acyclome.io.atomic import remove_unfinished

GRACE_S = 1.0  # to end in order: stages that are cut short take milliseconds, and people wait a second without doubt
AGAIN_S = 0.02  # after which a signal that was lost in a callback comes again
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals:
    """Turns both signals into a KeyboardInterrupt; where that is not heard, says ``text()`` and leaves.

    One that the process was started to ignore stays ignored, as Python keeps it.
    """

    def __init__(self, text: Callable[[], str]) -> None:
        self._text, self._over, self.number = text, threading.Event(), 0
        self._earlier: dict[int, Any] = {}

    @property
    def code(self) -> int:
        """What shells give for a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.number or signal.SIGINT)

    def __enter__(self) -> Self:
        # A script's job in the background, or one that is to outlive a terminal, was told to ignore them from outside.
        numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        if not numbers or threading.current_thread() is not threading.main_thread():  # others may set no handlers
            return self
        self._earlier = {number: signal.signal(number, self._interrupt) for number in numbers}
        self._unraisable, sys.unraisablehook = sys.unraisablehook, self._lost
        if sys.platform != "win32":  # whose wake-ups are sockets
            self._read, self._write = os.pipe()
            os.set_blocking(self._write, False)
            self._woken = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
            threading.Thread(target=self._watch, args=(self._read,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._earlier and sys.platform != "win32":
            signal.set_wakeup_fd(self._woken)
            os.close(self._write)  # ends the thread that reads
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        if self._earlier:
            sys.unraisablehook = self._unraisable

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        self.number = self.number or number
        raise KeyboardInterrupt

    def _lost(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Raise the signal again if it came while something was cleared away, from where Python lets no error out."""
        if not (self.number and isinstance(unraisable.exc_value, KeyboardInterrupt)):
            self._unraisable(unraisable)
        else:
            threading.Timer(AGAIN_S, self._again).start()

    def _again(self) -> None:
        if self._over.is_set():
            return
        if sys.platform == "win32":
            signal.raise_signal(self.number)
        else:  # to the thread that has to hear it, else what it waits for goes on
            signal.pthread_kill(threading.main_thread().ident or 0, self.number)

    def _watch(self, wakeup: int) -> None:
        while byte := os.read(wakeup, 1):
            if byte[0] in _SIGNALS:
                self.number = self.number or byte[0]
                if not self._over.wait(GRACE_S):
                    self._leave()
        os.close(wakeup)

    def _leave(self) -> None:
        remove_unfinished()
        shown = "\x1b[?25h" if sys.stderr.isatty() else ""  # the cursor, which bars hide
        sys.stderr.write(f"{shown}\n{self._text()}\n")
        sys.stderr.flush()
        os._exit(self.code)
