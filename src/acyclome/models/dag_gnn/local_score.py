"""DAG-GNN without noise in its decoder: least squares between genes that rising maps made normal."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acyclome.core.contract import ScoreCost
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.interventions import LEAST_OWN, Interventions, own_moments
from acyclome.core.data.moments import Moments, correlate
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import Standardized
from acyclome.core.workers import run_blocks
from acyclome.models.dag_gnn.marginal_map import fit_map, to_normal
from acyclome.models.linear.local_score import LinearScore, linear_effects
from acyclome.models.own_rows import FLAT, OwnRows

BLOCK = 32  # genes that a thread takes in a row: a map takes a millisecond at 1,000 observations


@dataclass(frozen=True)
class PostNonlinear:
    """``g_j(x_j) = sum_i W_ij g_i(x_i) + e_j`` with normal ``e_j`` and rising ``g_j``.

    ``X = f2((I - A')^-1 f1(Z))`` (Yu et al. 2019) with ``f1`` a scale for every gene and ``f2 = g^-1`` rising, as the
    variance of the decoder goes to 0: the evidence lower bound then is the likelihood.  Orders are searched between
    mapped genes; what is here says how probable genes are as they were measured.
    """

    def expand(self, problem: Problem) -> None:
        """Leave the screening to correlations, which between mapped genes see all that there is."""

    def prepare(self, problem: Problem, seed: int) -> MappedScore:
        return MappedScore(_mapped(problem), problem.data)

    def cost(self, n_obs: int) -> ScoreCost:
        """Return what least squares take, and a second copy of the genes."""
        return ScoreCost(8.0 * n_obs, 4.0**3, 0.0)


@dataclass(frozen=True)
class MappedScore(LinearScore):
    """Least squares on mapped genes; ``data`` are these, ``seen`` the genes as they were measured."""

    seen: Moments

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Score sets of parents of gene ``j`` by BIC, ``(s, p) -> (s,)``.

        Its map is that of the rows scored, whatever its parents are, so that the slopes of the map fall out.
        """
        if rows is None:
            return super().scores(j, sets)
        genes, at = np.unique(np.append(sets, j), return_inverse=True)
        Z = self.data.Z[genes]
        own = OwnRows.of(self.data, j, rows)
        y = own.response(self.seen.Z[j]).astype(np.float64)
        seen = y if own.fitted is None else y[own.fitted]
        Z[at[-1]] = to_normal(y, own.fitted) if seen.std() >= FLAT else y
        done = self.data.interventions.subset(genes=genes)
        few = replace(self.data, standardized=Standardized.of(Z), R=None, interventions=done)
        return LinearScore(few).scores(int(at[-1]), at[:-1].reshape(sets.shape), rows)

    def weights(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the weights of the best line between the genes as measured; maps rise, so signs are the same."""
        return linear_effects(self.seen, j, parents)

    def left_by(self, j: int, parents: np.ndarray, own: OwnRows) -> np.ndarray:
        u, X = self._response(j, own)[0], self.data.Z[parents].astype(np.float64)
        weight = np.linalg.lstsq(own.within(X).T, own.within(u), rcond=None)[0]
        return own.less_mean(u - weight @ X)

    def log_slope(self, j: int, own: OwnRows) -> np.ndarray:
        """Return the log slope of the gene's map, ``(n,)``."""
        return self._response(j, own)[1]

    def _response(self, j: int, own: OwnRows) -> tuple[np.ndarray, np.ndarray]:
        """Return gene ``j`` by the map of the fitted observations, and log slopes of that, ``(n,)`` each."""
        y = own.response(self.seen.Z[j]).astype(np.float64)
        fitted = y if own.fitted is None else y[own.fitted]
        center, scale = float(fitted.mean()), float(fitted.std())
        if scale < FLAT:
            return y, np.zeros_like(y)
        g = fit_map((fitted - center) / scale)
        y = (y - center) / scale
        return g.values(y), g.log_slope(y) - np.log(scale)


def map_genes(Z: np.ndarray, interventions: Interventions, threads: int) -> None:
    """Take standardized genes ``(d, n)`` to normal ones in place, each by the map of its own observations.

    Where a gene was a target its map goes on as it was: what was done changed the gene, not how it is measured.  A gene
    with under ``LEAST_OWN`` observations of its own stays as it is.
    """

    def some(first: int, last: int) -> None:
        for j in range(first, last):
            y = Z[j].astype(np.float64)
            own = np.delete(np.arange(len(y)), interventions.of(j))
            if len(own) >= LEAST_OWN and y[own].std() >= FLAT:
                u = to_normal(y, own)
                Z[j] = (u - u.mean()) / u.std()

    run_blocks(some, gene_blocks(len(Z), BLOCK), threads)


def _mapped(problem: Problem) -> Moments:
    data = problem.data
    Z = data.Z.copy()
    map_genes(Z, data.interventions, problem.threads)
    own_scale = own_moments(Z, data.interventions)[1]
    return correlate(
        replace(data, standardized=Standardized.of(Z), R=None, own_scale=own_scale, size=None), problem.threads
    )
