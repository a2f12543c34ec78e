"""What is asked for of modules: how many, which sets name them or are followed, and what links and edges cost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral
from typing import NamedTuple

from acyclome.core.modules.find import PRICES, Prices
from acyclome.errors import InputError
from acyclome.wording import is_number

MOST = 300  # modules; nobody reads more, and the path ends there
Paths = str | os.PathLike[str] | None


class Asked(NamedTuple):
    """How many modules, which sets name them, which they follow, and what links and edges cost."""

    number: int | str = "auto"
    gene_sets: Paths = None
    visible: Paths = None
    prices: Prices = PRICES

    def check(self) -> None:
        """Refuse a number that is none, a price below 0, and sets that are in no file."""
        for name, price in self.prices._asdict().items():
            if not (is_number(price) and price >= 0):
                msg = f"The price of {name} is {price!r}; expected a number of 0 or more."
                raise InputError(msg)
        is_whole = isinstance(self.number, Integral) and not isinstance(self.number, bool)
        if self.number != "auto" and not (is_whole and 0 <= int(self.number) <= MOST):
            msg = f"modules is {self.number!r}; expected auto, or a number from 0 (only visible ones) to {MOST}."
            raise InputError(msg)
        for name, path in (("gene_sets", self.gene_sets), ("visible", self.visible)):
            if not isinstance(path, str | os.PathLike | None):
                msg = f"{name} is a {type(path).__name__}; expected the path of a gmt file."
                raise InputError(msg)
        if self.number == 0 and self.visible is None:
            msg = "0 modules are to be learned and none is visible; give sets that modules follow, or a number."
            raise InputError(msg)


def priced(prices: Mapping[str, float]) -> Prices:
    """Return prices of which some are given by name."""
    for name in prices:
        if name not in PRICES._fields:
            msg = f"prices has {name!r}; expected some of {', '.join(PRICES._fields)}."
            raise InputError(msg)
    return PRICES._replace(**prices)
