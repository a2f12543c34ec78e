"""Names that options, sections and arguments once had: they still work, with a warning that tells the name of today.

A name stays here for one minor release at least, and only as long as its meaning has not changed.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from acyclome.errors import ConfigError, EarlierNameWarning, InputError

# Sections and options of the configuration, those of a section after it; the command line and the workflow follow.
RENAMED = {"climb": "search", "believe": "validation", "score.restarts": "search.perturbations"}
F = TypeVar("F", bound=Callable[..., Any])


def warn(earlier: str, today: str) -> None:
    warnings.warn(
        f"{earlier} is deprecated and goes in a later version; write {today}.", EarlierNameWarning, stacklevel=3
    )


def name_today(path: str) -> str:
    """Return the name of today of a section or of an option with its section; most have had no other."""
    section, dot, name = path.rpartition(".")
    return RENAMED.get(path) or f"{RENAMED.get(section, section)}{dot}{name}"


def with_names_of_today(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return a nested mapping of options with each under its name of today, and warn of those that had another.

    A ConfigError says if an option is given under both of its names.
    """
    if not any(path.partition(".")[0] in options for path in RENAMED):  # of all calls but a few
        return dict(options)
    nested = {key: dict(value) if isinstance(value, Mapping) else value for key, value in options.items()}
    for path, today in RENAMED.items():
        section, _, name = path.rpartition(".")
        home = nested.get(section) if section else nested
        if not isinstance(home, dict) or name not in home:
            continue
        warn(path, today)
        value = home.pop(name)
        if isinstance(value, dict):
            for key, one in value.items():
                _put(nested, f"{today}.{key}", one, earlier=f"{path}.{key}")
        elif value is not None:  # so YAML reads a section without options
            _put(nested, today, value, earlier=path)
    return nested


def with_paths_of_today(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options by section and dot with each under its name of today, and warn of those that had another."""
    for path in options:
        if name_today(path) != path:
            warn(path, name_today(path))
    return {name_today(path): value for path, value in options.items()}


def _put(nested: dict[str, Any], path: str, value: Any, *, earlier: str) -> None:
    section, _, name = path.rpartition(".")
    home = nested.setdefault(section, {}) if section else nested
    if home is None:
        home = nested[section] = {}
    if not isinstance(home, dict) or name in home:
        msg = f"{earlier} is the earlier name of {path}, and both are given; keep {path}."
        raise ConfigError(msg)
    home[name] = value


def earlier_arguments(**renamed: str) -> Callable[[F], F]:
    """Let a function take arguments under earlier names, ``rules="knowledge"``, too."""

    def wrap(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            for earlier in renamed.keys() & given.keys():
                today = renamed[earlier]
                warn(f"The argument {earlier}", today)
                if given.get(today) is not None:
                    msg = f"{earlier} is the earlier name of the argument {today}, and both are given; keep {today}."
                    raise InputError(msg)
                given[today] = given.pop(earlier)
            return function(*args, **given)

        return cast("F", call)

    return wrap
