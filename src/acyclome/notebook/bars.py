"""Progress of a long call in Python: a bar for the stage at hand, with the time that is left."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any, cast

from acyclome.notebook.settings import settings

FORMAT = "{desc:<12} {percentage:3.0f}% |{bar}| {elapsed} passed, {remaining} left {postfix}"


class Bars:
    """Bars of tqdm, one after the other; it is called with stage, share done and a message, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stage, self._bar = "", cast("Any", None)  # of tqdm, which has no types

    def __call__(self, stage: str, done: float, message: str = "") -> None:
        from tqdm.auto import tqdm

        with self._lock:
            if stage != self._stage or self._bar is None:
                self.close()
                self._stage = stage
                self._bar = tqdm(total=1.0, desc=stage, bar_format=FORMAT, file=sys.stderr)
            self._bar.set_postfix_str(message, refresh=False)
            self._bar.update(max(done - self._bar.n, 0.0))
            self._bar.refresh()
            if done >= 1.0:
                self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def reporter() -> Callable[[str, float, str], Any] | None:
    """Return what shows progress, as settings and surroundings say; None where nobody looks."""
    if settings.verbosity == 0 or (settings.verbosity == 1 and not _is_watched()):
        return None
    return Bars()


def _is_watched() -> bool:
    shell = sys.modules.get("IPython")
    in_notebook = shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"
    return in_notebook or sys.stderr.isatty()
