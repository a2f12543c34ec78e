"""The errors a user can see.

Every message says what was found, where, what was expected and what to do, and fits on one screen. The command line
turns the class into an exit code; anything that is no :class:`AcyclomeError` is a fault of ours and keeps its
traceback. Input errors are also ``ValueError``, so that a notebook may catch them without knowing this package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class AcyclomeError(Exception):
    """Base of all errors that carry a message meant for the user."""

    exit_code: ClassVar[int] = 1  # 2 to 4 below; cli tells what each means


class InputError(AcyclomeError, ValueError):
    """Something that was handed in (file, table, option, name) cannot be used as it is."""

    exit_code: ClassVar[int] = 2


class ConfigError(InputError):
    """An option is unknown or out of its range."""


class MemoryLimitError(AcyclomeError):
    """The work does not fit into the memory that is allowed or present."""

    exit_code: ClassVar[int] = 3


class ConvergenceError(AcyclomeError):
    """A fit stopped before its result can be relied on."""

    exit_code: ClassVar[int] = 4


class EarlierNameWarning(FutureWarning):
    """A name was used that still works and will not for ever; a FutureWarning, since those are shown to users."""


def examples(names: Sequence[object], shown: int = 5) -> str:
    """Return the first names as text for a message, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(map(str, names[:shown])) + more
