"""Figures for a notebook or a paper, drawn on matplotlib axes.

Every function takes a :class:`~acyclome.network.Network` or an AnnData with its keys, draws into `ax` or into a new
figure, and returns the axes, of which ``ax.figure.savefig("figure.pdf")`` makes a file. Layouts are computed, not
relaxed, so the same network gives the same picture.
"""

from acyclome.pl.charts import convergence, edge_stability, top_regulators
from acyclome.pl.compared import comparison
from acyclome.pl.effects import embedding, prediction
from acyclome.pl.graphs import hierarchy, neighborhood
from acyclome.pl.modules import modules

__all__ = [
    "comparison",
    "convergence",
    "edge_stability",
    "embedding",
    "hierarchy",
    "modules",
    "neighborhood",
    "prediction",
    "top_regulators",
]


def __dir__() -> list[str]:
    return __all__
