"""Answers to "what if": the change of every gene when some are acted on, with an interval from the resamples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from acyclome.core.effects.total import ANY, changes, responses
from acyclome.core.graph.equivalence import topological_order
from acyclome.errors import InputError
from acyclome.network import explain as _explain

if TYPE_CHECKING:
    from acyclome.network import Network

COLUMNS = ["gene", "change", "low", "high", "agreement"]


class _Acts(NamedTuple):
    """What is done: genes, amounts, whether they are held there, and what was measured of their total effects."""

    genes: np.ndarray  # (k,)
    amount: np.ndarray  # (k,)
    is_held: np.ndarray  # (k,) bool
    is_measured: np.ndarray  # (k,) bool, whether interventions have measured the gene
    measured: np.ndarray  # (k, d) total effects of those, zero elsewhere
    error: np.ndarray  # (k, d) their standard deviations
    common: np.ndarray  # (d,) what comes on top because a gene is lost of which that was not measured
    unsure: np.ndarray  # (d,) its standard deviation
    floor: np.ndarray  # (d,) below which no gene falls


def predict(
    network: Network,
    values: Mapping[str, float],
    shift: Mapping[str, float],
    *,
    knockout: list[str],
    interval: float,
) -> pd.DataFrame:
    _check(network, [*values, *knockout, *shift], interval)
    values = {**values, **{gene: _lowest(network, gene) for gene in knockout}}
    acts = _acts(network, values, shift, lost=knockout)
    answers = list(_answers(network, acts))
    moved, added = (np.mean(part, axis=0) for part in zip(*answers, strict=True))
    drawn = None if network.members is None else np.array([answer for answer, _ in answers])
    table = pd.DataFrame(
        {"gene": network.genes, "change": moved, **_bounds(acts, moved, added, drawn=drawn, interval=interval)}
    )
    order = np.lexsort((table["gene"].to_numpy(str), -np.abs(moved)))  # names decide ties, not columns of the input
    return table[COLUMNS].iloc[order].reset_index(drop=True)


def _acts(network: Network, values: Mapping[str, float], shift: Mapping[str, float], *, lost: list[str]) -> _Acts:
    index = {gene: k for k, gene in enumerate(network.genes)}
    genes = np.array([index[gene] for gene in [*values, *shift]])
    measured, error = np.zeros((2, len(genes) + 1, len(index)))
    is_measured = np.zeros(len(genes) + 1, bool)
    if network.effects is not None:
        source, target, *numbers = (column.to_numpy() for _, column in network.effects.items())
        for k, gene in enumerate([*genes, ANY]):
            at = source == gene
            is_measured[k] = at.any()
            measured[k, target[at]], error[k, target[at]] = (number[at] for number in numbers)
    gone = np.isin(genes, [index[gene] for gene in lost])
    # What losing any gene does is part of what was measured of a lost one.
    is_new = gone.any() and not is_measured[:-1][gone].any()
    floor = network.nodes["lowest"].fillna(-np.inf).to_numpy()
    amount, is_held = np.array([*values.values(), *shift.values()], float), np.arange(len(genes)) < len(values)
    return _Acts(
        genes=genes,
        amount=amount,
        is_held=is_held,
        is_measured=is_measured[:-1],
        measured=measured[:-1],
        error=error[:-1],
        common=is_new * measured[-1],
        unsure=is_new * error[-1],
        floor=floor,
    )


def _answer(
    acts: _Acts, source: np.ndarray, target: np.ndarray, *, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the change of every gene, and what was added to the genes acted on, given the edges of a network."""
    T = acts.measured.copy()  # what interventions have measured needs no network
    if not acts.is_measured.all():
        T[~acts.is_measured] = responses(source, target, weight, order=order, genes=acts.genes[~acts.is_measured])
    moved, added = changes(T, acts.genes, acts.amount, held=acts.is_held)
    others = np.ones(len(moved), bool)
    others[acts.genes[acts.is_held]] = False  # a gene is held where it was put, below the floor too
    return np.where(others, np.maximum(moved + acts.common, acts.floor), moved), added


def _bounds(
    acts: _Acts, moved: np.ndarray, added: np.ndarray, *, drawn: np.ndarray | None, interval: float
) -> dict[str, np.ndarray]:
    """Bounds of the change, and the share of the resamples that agree on its sign; empty without resamples.

    Bounds between which one more resample would fall with that chance (Weibull 1939), which ``n`` of them say up to
    ``(n - 1) / (n + 1)``; beyond, they widen as those of a normal distribution. Where effects were measured, their
    error is added as a second source of doubt.
    """
    if drawn is None:
        return {name: np.full(len(moved), np.nan) for name in COLUMNS[2:]}
    reach = min(interval, (len(drawn) - 1) / (len(drawn) + 1))  # between the least and the largest of so many
    low, high = np.quantile(drawn, [(1 - reach) / 2, (1 + reach) / 2], axis=0, method="weibull")
    wider = _sigmas(interval) / _sigmas(reach) if reach > 0 else 1.0
    low, high = moved - wider * (moved - low), moved + wider * (high - moved)
    doubt = _sigmas(interval) * np.sqrt(added**2 @ acts.error**2 + acts.unsure**2)
    return {
        "low": np.where(doubt > 0, moved - np.hypot(moved - low, doubt), low),
        "high": np.where(doubt > 0, moved + np.hypot(high - moved, doubt), high),
        "agreement": np.mean(np.sign(drawn) == np.sign(moved), axis=0),
    }


def _sigmas(share: float) -> float:
    """Half-width of the interval that holds a share of a normal distribution, in standard deviations."""
    return NormalDist().inv_cdf((1 + share) / 2)


def _answers(network: Network, acts: _Acts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the answer of every resample, or of the network itself where there are none."""
    if network.members is None:
        yield _answer(
            acts, network.source, network.target, weight=network.edges["weight"].to_numpy(), order=network.order
        )
        return
    for _, edges in network.members.groupby("member", sort=True):
        edges = edges[edges["source"] != edges["target"]]  # the line that stands for a resample without edges
        source, target = edges["source"].to_numpy(np.int64), edges["target"].to_numpy(np.int64)
        order = topological_order(source, target, len(network.genes))
        yield _answer(acts, source, target, weight=edges["weight"].to_numpy(), order=order)


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
