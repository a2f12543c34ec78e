"""Total and direct effects of genes as a table: as experiments measured them, else as the network says."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import shortest_path

from acyclome.core.effects.total import responses
from acyclome.network.asked import check_interval
from acyclome.network.predict import networks

if TYPE_CHECKING:
    from acyclome.network import Network

COLUMNS = ("source", "target", "effect", "low", "high", "direct", "through", "share", "basis")
BLOCK = 32  # sources at once: 50 MB of 20 resamples at 10,000 genes
LEAST = 0.05  # standard deviations: smaller ones are many, and nothing to act on
MEASURED, INFERRED = "measured", "inferred"


def effects_table(
    network: Network, sources: Sequence[str] | None = None, *, least: float = LEAST, interval: float = 0.9
) -> pd.DataFrame:
    """Return the total effects of some genes (all if None) on the others, ``least`` or more in size, largest first.

    ``effect``, with ``low`` and ``high``, is what a target changes, in standard deviations, if the source is moved by
    one: ``measured`` by experiments, or ``inferred``, the mean over the resamples and between which one more would
    fall. ``direct`` is the weight of the edge, ``through`` what runs along all paths of the network, and ``share``
    that part of the effect, from 0 to 1.
    """
    check_interval(interval)
    genes = np.arange(len(network.genes)) if sources is None else np.array([network.genes.index(g) for g in sources])
    known = _measured(network)
    inferred = genes[~np.isin(genes, known["source"])]
    inferred = inferred[np.isin(inferred, _causes(network))]
    parts = [known[known["source"].isin(genes)].assign(basis=MEASURED)]
    half = NormalDist().inv_cdf((1 + interval) / 2) * parts[0]["error"]
    parts[0] = parts[0].assign(low=parts[0]["effect"] - half, high=parts[0]["effect"] + half)
    parts += [
        _inferred(network, inferred[a : a + BLOCK], least=least, interval=interval)
        for a in range(0, len(inferred), BLOCK)
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table[(table["effect"].abs() >= least) & (table["effect"] != 0) & (table["source"] != table["target"])]
    table = _beside_network(network, table)
    names = np.array(network.genes, dtype=object)
    table = table.assign(**{end: names[table[end].to_numpy(np.int64)] for end in ("source", "target")})
    order = np.lexsort(
        [*(table[end].to_numpy(str) for end in ("target", "source")), -np.abs(table["effect"].to_numpy())]
    )
    return table[list(COLUMNS)].iloc[order].reset_index(drop=True)


def among_descendants(network: Network, sources: Sequence[str] | None, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of effects of 0 and more whose target is below the source, and of those that are nothing, too.

    ``steps`` is the length of the shortest path, 1 of children; rows stand by it, then by the size of the effect.
    """
    at = {gene: number for number, gene in enumerate(network.genes)}
    genes = np.arange(len(network.genes)) if sources is None else np.array([at[gene] for gene in sources])
    steps = shortest_path(network.matrix() != 0, unweighted=True, indices=genes)
    row, target = np.nonzero((steps > 0) & np.isfinite(steps))
    below = pd.DataFrame({"source": genes[row], "target": target, "steps": steps[row, target].astype(int)})
    found = table.assign(**{end: table[end].map(at).astype(np.int64) for end in ("source", "target")})
    below = below.merge(found[["source", "target", "effect", "low", "high", "basis"]], "left", ["source", "target"])
    is_measured = below["source"].isin(_measured(network)["source"])
    below = below.assign(  # what is not in the table is nothing: paths that cancel out, or that experiments did not see
        effect=below["effect"].fillna(0.0), basis=np.where(is_measured, MEASURED, INFERRED).astype(object)
    )
    below = _beside_network(network, below)
    order = np.lexsort([below["target"], below["source"], -below["effect"].abs(), below["steps"]])
    names = np.array(network.genes, dtype=object)
    below = below.assign(**{end: names[below[end]] for end in ("source", "target")})
    return below[["source", "target", "steps", *COLUMNS[2:]]].iloc[order].reset_index(drop=True)


def measured_genes(network: Network) -> list[str]:
    """Return the genes whose total effects experiments measured, in the order of the genes."""
    return [network.genes[gene] for gene in np.unique(_measured(network)["source"]).tolist()]


def _measured(network: Network) -> pd.DataFrame:
    empty = pd.DataFrame({"source": np.empty(0, np.int64), "target": np.empty(0, np.int64), "effect": [], "error": []})
    found = empty if network.effects is None else network.effects
    return found[found["source"] >= 0]


def _causes(network: Network) -> np.ndarray:
    """Return the genes that have children, in the network or in a resample."""
    return np.unique(np.concatenate([network.source, *(source for source, *_ in networks(network))]))


def _inferred(network: Network, genes: np.ndarray, *, least: float, interval: float) -> pd.DataFrame:
    each = [
        responses(source, target, weight, order=order, genes=genes)
        for source, target, weight, order in networks(network)
    ]
    mean = np.mean(each, axis=0)
    row, target = np.nonzero(np.abs(mean) >= least)
    found = pd.DataFrame({"source": genes[row], "target": target, "effect": mean[row, target], "basis": INFERRED})
    if network.members is None:
        return found.assign(low=np.nan, high=np.nan)
    drawn = np.array([one[row, target] for one in each])
    reach = min(interval, (len(drawn) - 1) / (len(drawn) + 1))  # between the least and the largest, as in predict
    low, high = np.quantile(drawn, [(1 - reach) / 2, (1 + reach) / 2], axis=0, method="weibull")
    return found.assign(low=low, high=high)


def _beside_network(network: Network, table: pd.DataFrame) -> pd.DataFrame:
    """Add what the network says of every pair: the weight of the edge, and what runs along its paths."""
    source, target = (table[end].to_numpy(np.int64) for end in ("source", "target"))
    through, weight = np.zeros(len(table)), network.edges["weight"].to_numpy()
    genes = np.unique(source)
    for a in range(0, len(genes), BLOCK):
        some = genes[a : a + BLOCK]
        T = responses(network.source, network.target, weight, order=network.order, genes=some)
        at = np.flatnonzero((source >= some[0]) & (source <= some[-1]))
        through[at] = T[np.searchsorted(some, source[at]), target[at]]
    direct = np.asarray(network.matrix()[source, target], float).ravel() if len(table) else np.empty(0)
    effect = table["effect"].to_numpy()
    share = np.clip(np.divide(through, effect, where=effect != 0, out=np.full(len(table), np.nan)), 0.0, 1.0)
    return table.assign(direct=direct, through=through, share=share)
