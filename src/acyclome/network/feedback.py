"""Genes that act on one another in circles, as experiments show, as a table; the network has one direction at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from acyclome.network import Network

PAIR = {"set": int, "source": str, "target": str, "effect": float, "error": float, "p": float}
RECORDED = {"targets": int, "threshold": float, "pairs": [PAIR]}  # of a search, as in io.kinds
COLUMNS = [*PAIR, "in_network"]


def was_looked_for(network: Network) -> bool:
    """Whether there were two targets or more, so that a loop could be seen."""
    return bool(network.facts.get("feedback", {}).get("targets", 0) > 1)


def feedback_table(network: Network) -> pd.DataFrame:
    """Return the pairs of targets of which each acts on the other, a row for each direction, set after set of genes.

    ``effect`` is the total effect as measured, in standard deviations per standard deviation, ``error`` its standard
    deviation, ``p`` its p-value alone; ``in_network`` says whether the network has the edge.
    """
    import pandas as pd

    rows = network.facts.get("feedback", {}).get("pairs", [])
    edges = set(zip(network.edges["source"], network.edges["target"], strict=True))
    table = pd.DataFrame(rows, columns=[*PAIR])
    table["in_network"] = [pair in edges for pair in zip(table["source"], table["target"], strict=True)]
    return network.with_symbols(table)
