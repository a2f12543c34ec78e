"""What a session in Python is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from acyclome.errors import InputError

LEVELS = {"error": 0, "warning": 1, "info": 2, "debug": 3}  # as scanpy counts them, but for its hints


class Settings:
    """Settings of a session; they change no result.

    Examples
    --------
    >>> ac.settings.verbosity = "warning"
    >>> ac.settings
    acyclome.settings: verbosity = 1
    >>> with ac.settings.silent():
    ...     ac.tl.dag(adata, layer="counts")
    """

    def __init__(self) -> None:
        self._verbosity = LEVELS["warning"]

    @property
    def verbosity(self) -> int:
        """How much is said: 0 errors, 1 also warnings, and progress where someone looks, 2 progress anywhere, 3 all.

        With 1, the default, bars are shown in notebooks and on terminals; with 3 the traceback of an error is whole.
        Names of levels (``"error"``, ``"warning"``, ``"info"``, ``"debug"``) are taken too.
        """
        return self._verbosity

    @verbosity.setter
    def verbosity(self, level: int | str) -> None:
        number = LEVELS.get(level.lower()) if isinstance(level, str) else level
        if number is None or isinstance(number, bool) or number not in LEVELS.values():
            msg = f"verbosity = {level!r}; expected 0 to 3, or one of {', '.join(LEVELS)}."
            raise InputError(msg)
        self._verbosity = int(number)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Say nothing in a block, where another already speaks."""
        before, self._verbosity = self._verbosity, LEVELS["error"]
        try:
            yield
        finally:
            self._verbosity = before

    def __repr__(self) -> str:
        return f"acyclome.settings: verbosity = {self.verbosity}"


settings = Settings()
