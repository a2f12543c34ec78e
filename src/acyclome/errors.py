"""The errors a user can see.

Every message says what was found, where, what was expected and what to do, and fits on one screen. The command line
turns the class into an exit code; anything that is no :class:`AcyclomeError` is a fault of ours and keeps its
traceback. Input errors are also ``ValueError``, so that a notebook may catch them without knowing this package.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from typing import ClassVar

_LETTERS = 300  # of a word; paths of usual folders are shorter
_ENDLESS = re.compile(rf"\S{{{_LETTERS + 1},}}")


class AcyclomeError(Exception):
    """Base of all errors that carry a message meant for the user."""

    exit_code: ClassVar[int] = 1  # 2 to 4 below; cli tells what each means

    def __str__(self) -> str:
        """Return the message as a terminal may be given it, in which words of no length of a word are cut."""
        return _ENDLESS.sub(lambda word: f"{word[0][:_LETTERS]}...", visible(super().__str__()))


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


class DataWarning(UserWarning):
    """Something about the data, the list of regulators or the fit that one should know before a network is believed."""


class EarlierNameWarning(FutureWarning):
    """A name was used that still works and will not for ever; a FutureWarning, since those are shown to users."""


# How loaders, threads and compilers say that an allocation failed; Python itself raises MemoryError.
_LONG = 80  # characters of a name in a message, which is one screen at most: a cell may hold a list
_OF_MEMORY = re.compile(
    r"failed to map segment|cannot allocate memory|can't start new thread|out of memory|bad_alloc|unable to allocate"
    r"|error mapping|insufficient memory|memory allocation failed",  # the last of HDF5
    re.IGNORECASE,
)


def is_of_memory(error: BaseException | None) -> bool:
    """Return whether an error, or one that it came of, says that there was no memory left."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if not isinstance(error, AcyclomeError) and _OF_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def visible(text: str) -> str:
    """Return text in which what is not printable is escaped, but for ends of lines and tabs.

    Names come from files, and terminals obey what they are told: ESC begins their commands, U+202E turns a line around.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in "\n\t" else ascii(letter)[1:-1] for letter in text)


def examples(names: Sequence[object], shown: int = 5) -> str:
    """Return the first names as text for a message, long ones cut, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    texts = [str(name) for name in names[:shown]]
    return ", ".join(text if len(text) <= _LONG else f"{text[:_LONG]}..." for text in texts) + more
