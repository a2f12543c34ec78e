"""Hill climbing on the likelihood of what is measured with error: many edges at once, those that gain most first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import NEGATIVE, POSITIVE, Constraints
from acyclome.core.graph.reach import is_ancestor, parents_of
from acyclome.core.measurement.likelihood import Fit, Measured, Parameters, fit

ROUNDS = 40  # guards: with 100 to 600 genes 4 to 12 were made
FIT_ROUNDS, TOLERANCE = 12, 1.0  # within a round, whose edges gain tens of nats; the last fit is to the end
WORTH = 0.5  # nats that an edge, and a round, has to bring beyond its price
SHARE = 4  # one edge for so many genes in a round at first; an eighth of that after one that brought nothing
SHRINK = 8


class Rules(NamedTuple):
    """What an edge costs and what is known of it, all ``(d, d)``, target by source.

    Parameters
    ----------
    price
        Nats: the extended BIC, times what soft edges cost; infinite where there may be no edge.
    required
        bool.
    sign
        int8, of the weight, where it is known.
    """

    price: np.ndarray
    required: np.ndarray
    sign: np.ndarray

    def on(self, edges: Parameters) -> np.ndarray:
        """Return the price of each edge, ``(m,)``."""
        of: np.ndarray = self.price[edges.target, edges.source]
        return of

    def total(self, found: Fit) -> float:
        """Return the loss and the prices of all edges: what is minimized."""
        return found.loss + float(self.on(found.parameters).sum())


def rules(constraints: Constraints, *, n_obs: float, gamma: float) -> Rules:
    """Return what is known of all pairs beforehand."""
    d = constraints.n_genes
    target, source = np.nonzero(~constraints.excluded(0, d))
    pairs = Candidates.from_pairs(source, target, d)
    target, source, known = pairs.target, pairs.parent, constraints.on(pairs)
    sign, price = np.zeros((d, d), np.int8), np.full((d, d), np.inf)
    base = 0.5 * np.log(n_obs) + gamma * np.log(np.maximum(constraints.n_allowed, 1))
    price[target, source] = base[target] * known["cost"]
    sign[target, source] = ((known["kind"] & POSITIVE) > 0).astype(np.int8) - ((known["kind"] & NEGATIVE) > 0)
    required = np.zeros((d, d), bool)
    required.ravel()[constraints.required] = True
    return Rules(price, required, sign)


def climb(measured: Measured, start: Parameters, *, known: Rules) -> Fit:
    """Add the edges that gain most, take out those that do not earn their price, and fit, until neither helps.

    The edges of a round have no gene in common, so that what each brings is about what the information foretells;
    where the round as a whole brings nothing, fewer are tried.
    """
    best = fit(measured, start)
    most = max(len(measured.loading) // SHARE, 1)
    for _ in range(ROUNDS):
        source, target = _worthwhile(best, known, most)
        here = best
        if len(source):
            grown = best.parameters.add(source, target)
            here = fit(measured, grown, rounds=FIT_ROUNDS, tol=TOLERANCE)
        kept = _earns(here, known)
        if not kept.all():
            here = fit(measured, here.parameters.keep(kept), rounds=FIT_ROUNDS, tol=TOLERANCE)
        if known.total(here) < known.total(best) - WORTH:
            best = here
        elif most == 1 or not len(source):
            break
        else:
            most = max(most // SHRINK, 1)
    return fit(measured, best.parameters)


def _worthwhile(found: Fit, known: Rules, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return up to so many new edges that pay, no two of which meet in a gene, and which close no cycle together."""
    signed = found.gains()
    gain = np.abs(signed) - known.price
    gain[(known.sign != 0) & (np.sign(signed) != known.sign)] = -np.inf
    target, source = np.nonzero(gain > WORTH)
    best = np.argsort(-gain[target, source], kind="stable")
    edges = found.parameters
    widest = int(np.bincount(edges.target, minlength=1).max()) + 1  # a gene is the target of one new edge at most
    graph = parents_of(edges.source, edges.target, n_genes=len(edges.noise), most=widest)
    met: set[int] = set()
    chosen: list[tuple[int, int]] = []
    for i, j in zip(source[best].tolist(), target[best].tolist(), strict=True):
        if len(chosen) == most:
            break
        if i in met or j in met or is_ancestor(graph, j, i):
            continue
        chosen.append((i, j))
        met |= {i, j}
        graph.insert(i, j)
    new = np.array(chosen, np.int64).reshape(-1, 2)
    return new[:, 0], new[:, 1]


def _earns(found: Fit, known: Rules) -> np.ndarray:
    """Say of each edge whether it is worth its price, with the sign that is known of it, or is required, ``(m,)``."""
    edges = found.parameters
    sign = known.sign[edges.target, edges.source]
    fits = (sign == 0) | (np.sign(edges.weight) == sign)
    earns: np.ndarray = (found.losses() >= known.on(edges)) & fits
    return earns | known.required[edges.target, edges.source]
