"""The network in memory: tables, order, matrices, predictions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from acyclome.network.tables import EDGE_COLUMNS, LATER, NODE_COLUMNS, RANKING_COLUMNS, best_first, under_names_of_today

if TYPE_CHECKING:
    from acyclome.network.joint import JointNetworks
    from acyclome.network.network import Network

__all__ = [
    "EDGE_COLUMNS",
    "LATER",
    "NODE_COLUMNS",
    "RANKING_COLUMNS",
    "JointNetworks",
    "Network",
    "best_first",
    "under_names_of_today",
]

_HOMES = {"JointNetworks": "joint", "Network": "network"}


def __getattr__(name: str) -> Any:
    """Load the network when it is first asked for: stages before it have names of its tables, and no pandas."""
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
