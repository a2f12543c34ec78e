"""Answers to "what if": the change of every gene when some are acted on, with an interval.

Where a screen has targets to hold out, they say how much of the network's answer and of the mean effect of the other
perturbations goes into that of a gene that was never a target, and how far it misses (:mod:`.screen`); with nothing to
check on, it is the network's, and the interval spans the resamples alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from acyclome.core.effects.stacking import NOTHING, Stack
from acyclome.core.effects.total import ANY, changes, responses
from acyclome.core.graph.equivalence import topological_order
from acyclome.errors import InputError
from acyclome.network import explain as _explain
from acyclome.network.asked import check_interval
from acyclome.network.screen import MEAN, NETWORK, basis_of
from acyclome.network.tables import check_numbers
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.network import Network

COLUMNS = ["gene", "change", "low", "high", "agreement", "basis"]
ACTED_ON, MEASURED, UNCHECKED = "acted on", "measured", "network, not checked"


class _Acts(NamedTuple):
    """What is done: genes, amounts, whether they are held there, and what was measured of their total effects."""

    genes: np.ndarray  # (k,)
    amount: np.ndarray  # (k,)
    is_held: np.ndarray  # (k,) bool
    is_measured: np.ndarray  # (k,) bool, whether interventions have measured the gene
    measured: np.ndarray  # (k, d) total effects of those, zero elsewhere
    error: np.ndarray  # (k, d) their standard deviations
    common: np.ndarray  # (d,) what comes on top because a gene is acted on of which that was not measured
    unsure: np.ndarray  # (d,) its standard deviation
    floor: np.ndarray  # (d,) below which no gene falls
    of_network: float  # how much of what the network says goes into the answer
    strength: np.ndarray  # (k,) amounts in those of the screen; 1 where they are not known, and of knock-outs
    share: np.ndarray  # (k,) of the amount by which the network answers


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
    check = network.screen.foreseen(is_measured=True)
    acts = _acts(network, values, shift, lost=knockout, check=check)
    answers = list(_answers(network, acts))
    moved, added = (np.mean(part, axis=0) for part in zip(*answers, strict=True))
    drawn = None if network.members is None else np.array([answer for answer, _ in answers])
    if check is None or acts.is_measured.all():
        bounds = _bounds(acts, moved, added=added, drawn=drawn, interval=interval)
    else:
        bounds = _checked_bounds(acts, moved, added=added, check=check, interval=interval)
        bounds["agreement"] = np.full(len(moved), np.nan)
        if drawn is not None and acts.of_network:
            bounds["agreement"] = np.mean(np.sign(drawn) == np.sign(moved), axis=0)
    return as_table(network, moved, bounds, acted=acts.genes, basis=_basis(acts, check), check=check)


def as_table(
    network: Network,
    moved: np.ndarray,
    bounds: Mapping[str, np.ndarray],
    *,
    acted: np.ndarray,
    basis: str,
    check: Stack | None,
) -> pd.DataFrame:
    """Return one row per gene, largest change first; what was checked is in ``attrs``."""
    table = pd.DataFrame({"gene": network.genes, "change": moved, **bounds, "basis": basis})
    table.loc[acted, "basis"] = ACTED_ON
    order = np.lexsort((table["gene"].to_numpy(str), -np.abs(moved)))  # names decide ties, not columns of the input
    table = table[COLUMNS].iloc[order].reset_index(drop=True)
    table.attrs.update({"basis": basis, "held_out": 0 if check is None else check.treatments})
    if check is not None:
        share = check.error["chosen"] / check.error[NOTHING] if check.error[NOTHING] > 0 else 1.0
        table.attrs.update({"squared_error_of_no_change": share, "coverage_of_90": check.coverage})
    return table


def statement(table: pd.DataFrame) -> str:
    """Say in a sentence or two where the answer comes from, and how it did on what was held out."""
    basis, n = table.attrs["basis"], table.attrs["held_out"]
    strange = table.attrs.get("strange")
    if strange:
        basis += f" ({', '.join(strange)}: neither a gene nor a target of these data, and taken for any other target)"
    if basis == MEASURED:
        return "Measured: the targets were acted on in the data."
    if not n:
        return f"From: {basis}. Not checked: no targets were held out, and the interval spans the resamples alone."
    share, covered = table.attrs["squared_error_of_no_change"], table.attrs["coverage_of_90"]
    skill = (
        "No skill: neither the network nor what perturbations have in common foresaw them"
        if basis == NOTHING
        else (f"Their squared error is {share:.0%} of that of no change")
    )
    return (
        f"From: {basis}. Checked on {plural(n, 'held-out perturbation')}. {skill}; intervals of 90% held {covered:.0%} "
        "of their changes."
    )


def _basis(acts: _Acts, check: Stack | None) -> str:
    parts = [MEASURED] if acts.is_measured.any() else []
    if not acts.is_measured.all():
        parts.append(UNCHECKED if check is None else basis_of(check))
    return " + ".join(parts)


def _acts(
    network: Network, values: Mapping[str, float], shift: Mapping[str, float], *, lost: list[str], check: Stack | None
) -> _Acts:
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
    amount, is_held = np.array([*values.values(), *shift.values()], float), np.arange(len(genes)) < len(values)
    dose = network.screen.dose[genes]
    strength = np.divide(amount, dose, out=np.ones(len(genes)), where=np.isfinite(dose) & (dose != 0))
    # A knock-out of a gene that was never a target is what the screen did to its targets, which hardly ever lose all of
    # their expression: so it was checked, and three times as much would be three times as wrong.
    share = np.where(gone & (strength > 1.0), 1.0 / np.maximum(strength, 1.0), 1.0)
    strength = strength * share
    # What losing any gene does is part of what was measured of a lost one.
    if check is None:
        is_new = gone.any() and not is_measured[:-1][gone].any()
        common, unsure = is_new * measured[-1], is_new * error[-1]
    else:
        known = np.where(gone & ~np.isfinite(dose), 1.0, np.where(np.isfinite(dose), strength, 0.0))
        share_of_mean = 0.0 if is_measured[:-1].any() else float(np.clip(known, 0, 1).max())
        common = check.weight[MEAN] * share_of_mean * network.screen.mean
        # The error is that of an experiment as those that measured it.
        unsure = min(float(np.abs(strength).max()), 1.0) * network.screen.error
    return _Acts(
        genes=genes,
        amount=amount,
        is_held=is_held,
        is_measured=is_measured[:-1],
        measured=measured[:-1],
        error=error[:-1],
        common=common,
        unsure=unsure,
        floor=network.nodes["lowest"].fillna(-np.inf).to_numpy(),
        of_network=1.0 if check is None else check.weight.get(NETWORK, 0.0),
        strength=np.abs(strength),
        share=np.ones(len(genes)) if check is None else share,
    )


def _answer(
    acts: _Acts, source: np.ndarray, target: np.ndarray, *, weight: np.ndarray, order: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the change of every gene, and what was added to the genes acted on, given the edges of a network."""
    T = acts.measured.copy()  # what interventions have measured needs no network
    if not acts.is_measured.all():
        said = responses(source, target, weight, order=order, genes=acts.genes[~acts.is_measured])
        itself = np.arange(T.shape[1]) == acts.genes[~acts.is_measured, None]
        T[~acts.is_measured] = np.where(itself, said, acts.of_network * acts.share[~acts.is_measured, None] * said)
    moved, added = changes(T, acts.genes, acts.amount, held=acts.is_held)
    common = acts.common.copy()
    common[acts.genes] = 0.0
    others = np.ones(len(moved), bool)
    others[acts.genes[acts.is_held]] = False  # a gene is held where it was put, below the floor too
    return np.where(others, np.maximum(moved + common, acts.floor), moved), added


def _checked_bounds(
    acts: _Acts, moved: np.ndarray, *, added: np.ndarray, check: Stack, interval: float
) -> dict[str, np.ndarray]:
    """Bounds as wide as what was missed of held-out targets; they scale with what is done, as answers do.

    They hold what an experiment would find that has as many observations as those of the screen.
    """
    strength = float(np.sqrt(np.sum(acts.strength[~acts.is_measured] ** 2)))
    width = check.half_width(interval, spread=strength * check.spread, error=acts.unsure)
    width = np.hypot(width, _sigmas(interval) * np.sqrt(added**2 @ acts.error**2))
    width[acts.genes[acts.is_held]] = 0.0
    return {"low": moved - width, "high": moved + width}


def _bounds(
    acts: _Acts, moved: np.ndarray, *, added: np.ndarray, drawn: np.ndarray | None, interval: float
) -> dict[str, np.ndarray]:
    """Bounds of the change, and the share of the resamples that agree on its sign; empty without resamples.

    Bounds between which one more resample would fall with that chance (Weibull 1939), which ``n`` of them say up to
    ``(n - 1) / (n + 1)``; beyond, they widen as those of a normal distribution. Where effects were measured, their
    error is added as a second source of doubt.
    """
    if drawn is None:
        return {name: np.full(len(moved), np.nan) for name in ("low", "high", "agreement")}
    within, wider = reach(interval, len(drawn))
    low, high = np.quantile(drawn, [(1 - within) / 2, (1 + within) / 2], axis=0, method="weibull")
    low, high = moved - wider * (moved - low), moved + wider * (high - moved)
    doubt = _sigmas(interval) * np.sqrt(added**2 @ acts.error**2 + acts.unsure**2)
    doubt[acts.genes[acts.is_held]] = 0.0
    return {
        "low": np.where(doubt > 0, moved - np.hypot(moved - low, doubt), low),
        "high": np.where(doubt > 0, moved + np.hypot(high - moved, doubt), high),
        "agreement": np.mean(np.sign(drawn) == np.sign(moved), axis=0),
    }


def reach(interval: float, resamples: int) -> tuple[float, float]:
    """Return the share between the least and the largest of so many, `interval` at most, and how much to widen it."""
    within = min(interval, (resamples - 1) / (resamples + 1))
    return within, _sigmas(interval) / _sigmas(within) if within > 0 else 1.0


def _sigmas(share: float) -> float:
    """Half-width of the interval that holds a share of a normal distribution, in standard deviations."""
    return NormalDist().inv_cdf((1 + share) / 2)


def _answers(network: Network, acts: _Acts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the answer of every resample, or of the network itself where there are none."""
    for source, target, weight, order in networks(network):
        yield _answer(acts, source, target, weight=weight, order=order)


def networks(network: Network) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield source, target, weight and order of every resample, or of the network itself where there are none."""
    if network.members is None:
        yield network.source, network.target, network.edges["weight"].to_numpy(), network.order
        return
    for _, edges in network.members.groupby("member", sort=True):
        edges = edges[edges["source"] != edges["target"]]  # the line that stands for a resample without edges
        source, target = edges["source"].to_numpy(np.int64), edges["target"].to_numpy(np.int64)
        order = topological_order(source, target, len(network.genes))
        yield source, target, edges["weight"].to_numpy(), order


def _check(network: Network, acted: list[str], interval: float) -> None:
    for name in ("edges", "members", "effects"):
        if (table := getattr(network, name)) is not None:
            check_numbers(table, name, ("weight", "effect"))
    if not acted:
        msg = "Nothing is acted on. Give at least one gene to set, shift, knockout or perturb."
        raise InputError(msg)
    for gene in acted:
        if gene not in network.genes:
            raise InputError(_explain.unknown_gene(gene, network.genes))
        if acted.count(gene) > 1:
            msg = f"{gene} is acted on more than once; set, shift or knock it out, one of them."
            raise InputError(msg)
    check_interval(interval)


def _lowest(network: Network, gene: str) -> float:
    value = float(network.nodes.loc[network.nodes["gene"] == gene, "lowest"].iloc[0])
    if np.isnan(value):
        msg = f"This network does not know where a knock-out puts {gene}. Set it to a value instead, such as -2."
        raise InputError(msg)
    return value
