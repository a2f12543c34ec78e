"""Answers to "what if": the change of every gene when some are acted on, with an interval from the resamples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acyclome import _explain
from acyclome.core.effects import changes
from acyclome.core.equivalence import topological_order
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.network import Network

COLUMNS = ["gene", "change", "low", "high", "agreement"]


def predict(
    network: Network, held: Mapping[str, float], shift: Mapping[str, float], knockout: Iterable[str], interval: float
) -> pd.DataFrame:
    """Return the table of :meth:`acyclome.Network.predict`."""
    knocked = list(knockout)
    _check(network, [*held, *knocked, *shift], interval)
    values = {**held, **{gene: _lowest(network, gene) for gene in knocked}}
    place = {gene: k for k, gene in enumerate(network.genes)}
    s, is_held = np.zeros(len(place)), np.zeros(len(place), bool)
    for gene, value in {**shift, **values}.items():
        s[place[gene]] = value
    is_held[[place[gene] for gene in values]] = True
    weight = network.edges["weight"].to_numpy()
    moved = changes(network.source, network.target, weight, network.order, shift=s, held=is_held)
    found = pd.DataFrame({"gene": network.genes, "change": moved, **_spread(network, moved, s, is_held, interval)})
    order = np.lexsort((found["gene"].to_numpy(str), -np.abs(moved)))
    return found[COLUMNS].iloc[order].reset_index(drop=True)


def _spread(
    network: Network, moved: np.ndarray, s: np.ndarray, held: np.ndarray, interval: float
) -> dict[str, np.ndarray]:
    """Quantiles of the change over the resamples, and the share of them that agree on its sign; empty without."""
    d = len(moved)
    if network.members is None:
        return {name: np.full(d, np.nan) for name in COLUMNS[2:]}
    each = []
    for _, edges in network.members.groupby("member", sort=True):
        edges = edges[edges["source"] != edges["target"]]
        source, target = edges["source"].to_numpy(np.int64), edges["target"].to_numpy(np.int64)
        order = topological_order(source, target, d)
        each.append(changes(source, target, edges["weight"].to_numpy(), order, shift=s, held=held))
    drawn = np.array(each)
    low, high = np.quantile(drawn, [(1 - interval) / 2, (1 + interval) / 2], axis=0)
    return {"low": low, "high": high, "agreement": np.mean(np.sign(drawn) == np.sign(moved), axis=0)}


def _check(network: Network, acted: list[str], interval: float) -> None:
    if not acted:
        msg = "Nothing is acted on. Give genes to set, to shift or to knock out."
        raise InputError(msg)
    for gene in acted:
        if gene not in network.genes:
            raise InputError(_explain.unknown_gene(gene, network.genes))
        if acted.count(gene) > 1:
            msg = f"{gene} is acted on more than once; set, shift or knock it out, one of them."
            raise InputError(msg)
    if not 0 < interval < 1:
        msg = f"interval = {interval}; expected a share above 0 and below 1, such as 0.9."
        raise InputError(msg)


def _lowest(network: Network, gene: str) -> float:
    value = float(network.nodes.loc[network.nodes["gene"] == gene, "lowest"].iloc[0])
    if np.isnan(value):
        msg = f"This network does not know where a knock-out puts {gene}. Set it to a value instead, such as -2."
        raise InputError(msg)
    return value
