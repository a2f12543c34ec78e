"""Files of what is known, read before anything is done with the data: what is absent or no table is said at once."""

from __future__ import annotations

import os
from typing import Any

from acyclome.knowledge.lists import check_list
from acyclome.options.sections import Knowledge


def check_files(asked: Knowledge, table: Any = None) -> None:
    """Refuse files that cannot be read, whatever the genes of the data are; ``table`` goes over that of the options.

    Raises
    ------
    InputError
        As the readers of lists, tables and tiers do.
    """
    first = asked.knowledge if table is None else table
    if asked.regulators is not None:
        check_list(asked.regulators)
    is_tables = any(isinstance(given, (str, os.PathLike)) for given in (first, asked.forbidden, asked.required))
    if not is_tables and asked.tiers is None:
        return
    from acyclome.knowledge.tables import read_prior, read_tiers

    if is_tables:
        read_prior(first, asked.forbidden, asked.required)
    if asked.tiers is not None:
        read_tiers(asked.tiers)
