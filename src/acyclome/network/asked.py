"""What a prediction is asked for: genes, and amounts of genes, as they are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acyclome.errors import InputError
from acyclome.wording import is_number


def names_of(given: Any, argument: str) -> list[str]:
    """Return one name, or several, as a list; none for None."""
    given = given.tolist() if hasattr(given, "tolist") else given
    names = [given] if isinstance(given, str) or not isinstance(given, (Iterable, type(None))) else list(given or ())
    if strange := [name for name in names if not isinstance(name, str)]:
        msg = f"{argument} holds {strange[0]!r}, which is no name. Expected the name of a gene, or a list of names."
        raise InputError(msg)
    return names


def amounts_of(given: Any, argument: str) -> dict[str, float]:
    """Return amounts by the names of genes, as a mapping or a series has them; none for None."""
    if given is None:
        return {}
    if not (isinstance(given, Mapping) or (hasattr(given, "items") and hasattr(given, "index"))):
        msg = f"{argument} = {given!r}; expected genes with their amounts, such as {{'SPI1': -2}}."
        raise InputError(msg)
    amounts = dict(given.items())
    names_of(list(amounts), argument)
    for gene, amount in amounts.items():
        if not is_number(amount):
            msg = f"{gene} = {amount!r}; expected a number, in standard deviations from the mean, such as -2."
            raise InputError(msg)
    return amounts


def check_interval(interval: Any) -> None:
    if not (is_number(interval) and 0 < interval < 1):
        msg = f"interval = {interval!r}; expected a share above 0 and below 1, such as 0.9."
        raise InputError(msg)
