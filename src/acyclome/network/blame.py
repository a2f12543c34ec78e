"""Which gene was acted on, given expression before and after: perturbation target identification with a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from acyclome.core.effects.identification import (
    ACTIVITY,
    EFFECTS,
    OWN,
    TRANSCRIPT,
    fit_of_effects,
    log_probability,
    own_evidence,
    thresholded,
)
from acyclome.core.effects.total import responses
from acyclome.errors import InputError, examples
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.network import Network

COLUMNS = ["gene", "probability", "change", "fit", "acted_on"]
BLOCK = 256  # candidates at once: 20 MB of total effects at 10,000 genes
UNCHECKED = {OWN: 1.0, EFFECTS: 1.0}  # where no targets were held out: both count, mildly
PRIOR = 4.0  # observations that the scale of the network's data counts as in the noise: few replicates say little of it
LEAST_RANKED = 10  # observations from which a standard deviation is worth its name
TINY = 1e-12  # of a variance of 1
LEAST_SHARED = 0.5  # of the genes of the network: effects on fewer are no profile


class _Observed(NamedTuple):
    """Changes of the genes and their errors, in standard deviations, ``(d,)`` each; 0 and inf where not measured."""

    change: np.ndarray
    error: np.ndarray


def blame(network: Network, before: pd.DataFrame, after: pd.DataFrame, *, acts_on: str) -> pd.DataFrame:
    """Return all genes, most probable targets first.

    Parameters
    ----------
    before, after
        Observations x genes, prepared as the data of the network were.
    acts_on
        ``transcript`` where acting on a gene changes its own transcript (knock-downs), ``activity`` where it need not
        (drugs, degraded proteins).

    Returns
    -------
    One row per gene: ``probability``; ``change`` of itself, in standard deviations, nan where it is not in both;
    ``fit``, the share of what the other genes did that its total effects explain; ``acted_on``, whether these are
    measured. ``attrs`` hold what was checked on targets that were held out.
    """
    if acts_on not in (TRANSCRIPT, ACTIVITY):
        msg = f"acts_on = {acts_on!r}; expected {TRANSCRIPT} or {ACTIVITY}."
        raise InputError(msg)
    seen = _observed(network, before, after)
    check = network.facts.get("identification", {}).get(acts_on)
    weight = {name: value for name, value in UNCHECKED.items() if name != OWN or acts_on == TRANSCRIPT}
    weight = weight if check is None else check["weight"]
    measured = np.isfinite(seen.error)
    drawn = thresholded(seen.change, np.where(measured, seen.error, 0.0))[None]
    fit = _fits(network, drawn)
    features = {OWN: own_evidence(seen.change, seen.error)[None], EFFECTS: -np.log1p(-fit)}
    table = pd.DataFrame(
        {
            "gene": network.genes,
            "probability": np.exp(log_probability(features, weight))[0],
            "change": np.where(measured, seen.change, np.nan),
            "fit": fit[0],
            "acted_on": np.isin(np.arange(len(network.genes)), _known(network)["source"]),
        }
    )
    order = np.lexsort((table["gene"].to_numpy(str), -table["fit"].to_numpy(), -table["probability"].to_numpy()))
    table = table[COLUMNS].iloc[order].reset_index(drop=True)
    table.attrs.update({"acts_on": acts_on, "weight": weight, "checked": check})
    return table


def blame_statement(table: pd.DataFrame) -> str:
    """Say in a sentence or two by what targets are ranked, and how that did on targets that were held out."""
    check, weight = table.attrs["checked"], table.attrs["weight"]
    basis = " and ".join(name for name in (OWN, EFFECTS) if weight.get(name))
    if check is None:
        return f"By {basis}. Not checked: no targets were held out, so probabilities are a guess."
    if not basis:
        return (
            f"No skill: of {check['targets']} targets that were held out none of this found more than chance does. "
            "All genes are as probable."
        )
    ours, largest, chance = (_figures(check[name]) for name in ("chosen", "largest change", "chance"))
    beside = f"the largest change: {largest}" if table.attrs["acts_on"] == TRANSCRIPT else f"chance: {chance}"
    return (
        f"By {basis}. Of {plural(check['targets'], 'held-out target')} found first, among five (mean reciprocal rank): "
        f"{ours}; {beside}. The first was given {check['chosen']['probability']:.0%} and was right in "
        f"{check['chosen']['right']:.0%}."
    )


def _figures(found: dict[str, Any]) -> str:
    return f"{found['first']:.0%}, {found['first_five']:.0%} ({found['reciprocal_rank']:.2f})"


def _observed(network: Network, before: pd.DataFrame, after: pd.DataFrame) -> _Observed:
    shared = [gene for gene in network.genes if gene in before.columns and gene in after.columns]
    if len(shared) < LEAST_SHARED * len(network.genes) or not len(before) or not len(after):
        missing = [gene for gene in network.genes if gene not in shared]
        msg = (
            f"before has {len(before)} and after {plural(len(after), 'observation')} of {len(shared)} of the "
            f"{len(network.genes)} genes of the network (without {examples(missing)}); expected at least one of half "
            "of the genes. Give both with genes as columns, named as in the network."
        )
        raise InputError(msg)
    at = np.array([network.genes.index(gene) for gene in shared]) if len(shared) < len(network.genes) else np.s_[:]
    x, y = (table[shared].to_numpy(float) for table in (before, after))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        msg = "before or after holds values that are no numbers. Leave out the genes or observations that have them."
        raise InputError(msg)
    within = ((x - x.mean(axis=0)) ** 2).sum(axis=0) + ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    scale = _scale(network.nodes.iloc[at], within, n=len(x) + len(y), ranked=before.attrs.get("ranked", False))
    variance = (within / scale**2 + PRIOR) / (len(x) + len(y) - 2 + PRIOR)
    change, error = np.zeros(len(network.genes)), np.full(len(network.genes), np.inf)
    change[at] = (y.mean(axis=0) - x.mean(axis=0)) / scale
    error[at] = np.where(np.isfinite(scale), np.sqrt(variance * (1 / len(x) + 1 / len(y))), np.inf)
    return _Observed(change, error)


def _scale(nodes: pd.DataFrame, within: np.ndarray, *, n: int, ranked: bool) -> np.ndarray:
    """Return the standard deviation of every gene in the data of the network; of ranks that of these observations."""
    if ranked and n < LEAST_RANKED:
        msg = (
            f"This network was learned from ranks, and {n} observations are too few to tell how far genes vary; "
            f"expected {LEAST_RANKED}. Give more, or run again with --prepare.transform none."
        )
        raise InputError(msg)
    left = np.maximum(1.0 - nodes["r2"].to_numpy(float), TINY)
    scale = np.sqrt(within / (n - 2)) if ranked else nodes["noise_scale"].to_numpy(float) / np.sqrt(left)
    # What does not vary cannot be told to have changed.
    return np.where(np.isfinite(scale) & (scale > 0), scale, np.inf)


def _known(network: Network) -> pd.DataFrame:
    if network.effects is None:
        return pd.DataFrame({"source": [], "target": [], "effect": []}, dtype=float).astype({"source": int})
    return network.effects[network.effects["source"] >= 0]


def _fits(network: Network, change: np.ndarray) -> np.ndarray:
    """Return how well the total effects of all genes, as measured or else by the network, fit changes, ``(k, d)``."""
    weight, known = network.edges["weight"].to_numpy(), _known(network)
    source, target = (known[end].to_numpy(np.int64) for end in ("source", "target"))

    def block(a: int) -> np.ndarray:
        genes = np.arange(a, min(a + BLOCK, change.shape[1]))
        T = responses(network.source, network.target, weight, order=network.order, genes=genes)
        at = (source >= a) & (source < a + BLOCK)
        T[np.unique(source[at]) - a] = 0.0
        T[source[at] - a, target[at]] = known["effect"].to_numpy()[at]
        return fit_of_effects(change, T, genes)

    return np.concatenate([block(a) for a in range(0, change.shape[1], BLOCK)], axis=1)
