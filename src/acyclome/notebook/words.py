"""Messages of the command line in the words of Python, and errors that point at the call."""

from __future__ import annotations

import functools
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

from acyclome.errors import AcyclomeError, DataWarning
from acyclome.notebook.settings import settings

F = TypeVar("F", bound=Callable[..., Any])
_FLAG = re.compile(r"--([a-z][a-z0-9]*(?:[.-][a-z0-9]+)*)(?: ([\w'](?:[\w'.+/;-]*[\w'+])?))?")
_ARGUMENTS = {  # of tl.dag; all others are options of config=
    "group-by": "groupby",
    "resamples": "n_resamples",
    "seed": "random_state",
    **{name: name for name in ("layer", "perturbation", "control", "regulators", "knowledge", "device", "threads")},
    "gene-names": "gene_names",
}
_LISTS = {"covariates"}
# Options that go without their section on the command line, with it.
_SECTIONS = {"min-cells": "prepare", "n-top-genes": "prepare", "covariates": "prepare", "missing": "prepare"}
_SECTIONS |= {"genes-as": "input", "noise": "score", "shards": "shard"}
# Words that follow an option in a sentence, and are no value of it.
_SENTENCE = frozenset({"or", "and", "to", "with", "of", "is", "if", "says", "say", "may", "leaves", "takes", "for"})


def in_python(text: str) -> str:
    """Return a message with the options of the command line as arguments of Python.

    >>> in_python("Give --group-by kind, or --prepare.normalize auto.")
    "Give groupby='kind', or config={'prepare': {'normalize': 'auto'}}."
    """
    return _FLAG.sub(_argument, text)


def _argument(found: re.Match[str]) -> str:
    flag, value = found[1], found[2]
    rest = f" {value}" if value in _SENTENCE else ""
    value = None if rest else value
    section, _, name = flag.rpartition(".")
    if not section and flag in _ARGUMENTS:
        return f"{_ARGUMENTS[flag]}={_written(value, flag)}{rest}"
    section, name = section or _SECTIONS.get(flag, ""), name.replace("-", "_")
    if value is None:
        return f"the option {'.'.join(filter(None, (section, name)))}{rest}"
    inner = f"{{{name!r}: {_written(value, flag)}}}"
    return f"config={{{section!r}: {inner}}}" if section else f"config={inner}"


def _written(value: str | None, flag: str) -> str:
    if value is None or value.isupper():
        return value or ""
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return value
    if value in ("true", "false"):
        return value.capitalize()
    text = repr(value.strip("'"))
    return f"[{text}]" if flag.rpartition(".")[2] in _LISTS else text


def tell(text: str) -> None:
    """Warn of what is to be known of the data, unless settings say that nobody wants to hear it."""
    if settings.verbosity >= 1:
        warnings.warn(in_python(text), DataWarning, stacklevel=_outside())


def _outside() -> int:
    """Return how many calls above :func:`tell` stands the code that is not of this package: a warning points there."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "acyclome":
        frame, level = frame.f_back, level + 1
    return level


def speaks_python(function: F) -> F:
    """Let a public function raise its errors in the words of Python, from itself and not from twenty frames below."""

    @functools.wraps(function)
    def call(*args: Any, **given: Any) -> Any:
        try:
            return function(*args, **given)
        except AcyclomeError as error:
            cause, failure = error, type(error)(in_python(str(error)))
        raise failure from (cause if settings.verbosity > 2 else None)

    return cast("F", call)
