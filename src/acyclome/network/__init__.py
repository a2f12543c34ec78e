"""The network in memory: tables, order, matrices, predictions."""

from acyclome.network.joint import JointNetworks
from acyclome.network.network import Network
from acyclome.network.tables import EDGE_COLUMNS, LATER, NODE_COLUMNS, RANKING_COLUMNS, best_first, under_names_of_today

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
