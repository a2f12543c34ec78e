"""The network in memory: tables, order, matrices, predictions."""

from acyclome.network.joint import JointNetworks
from acyclome.network.network import Network
from acyclome.network.tables import EDGE_COLUMNS, LATER, NODE_COLUMNS, RANKING_COLUMNS, RENAMED, best_first

__all__ = [
    "EDGE_COLUMNS",
    "LATER",
    "NODE_COLUMNS",
    "RANKING_COLUMNS",
    "RENAMED",
    "JointNetworks",
    "Network",
    "best_first",
]
