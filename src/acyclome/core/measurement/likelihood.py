"""Linear networks that are seen with error: the likelihood of what is measured, its slopes and its information.

    x_j = c_j z_j + sqrt(1 - c_j^2) u_j,   z = B z + e,   e_j ~ N(0, w_j),   u_j ~ N(0, 1), all independent

Of the correlations ``R`` of ``n`` observations of ``x`` minus the log-likelihood is ``n/2 (log det V + tr V^-1 R)``,
with ``V = C S C + I - C^2`` and ``S = A W A'``, ``A = (I - B)^-1`` (covariance structures, Jöreskog 1970).  Its slope
in ``V`` is ``n/2 G``, ``G = V^-1 - V^-1 R V^-1``; by the chain rule all slopes together are some products of ``d x d``
matrices.  What an edge would gain is read off its slope and Fisher's information (modification index, Sörbom 1989).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cholesky, inv, solve
from scipy.sparse import block_diag

LEAST_NOISE, MOST_NOISE = 0.02, 20.0  # variance of a gene's own noise, of a variance of 1 in all
RIDGE = 1e-4  # of the information, relative: parents that are nearly copies of one another
NOTHING = 1e-6  # information of a gene that is not seen at all
LEAST_NEW = 0.01  # of a parent's information that those there already must leave, or they stand for it
TINY = 1e-300


class Measured(NamedTuple):
    """Correlations ``R`` of what is measured, ``(d, d)``, its loadings ``c`` on what is not, ``(d,)``, and ``n``."""

    R: np.ndarray
    loading: np.ndarray
    n_obs: float


class Parameters(NamedTuple):
    """Edges sorted by target, ``(m,)``, their weights, and the variance of the noise of each gene, ``(d,)``."""

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    noise: np.ndarray

    @property
    def indptr(self) -> np.ndarray:
        """Where the edges of each target begin, ``(d + 1,)``."""
        return np.searchsorted(self.target, np.arange(len(self.noise) + 1))

    def add(self, source: np.ndarray, target: np.ndarray) -> Parameters:
        """Return them with some edges of weight 0 more."""
        weight = np.append(self.weight, np.zeros(len(source)))
        edges = np.append(self.source, source), np.append(self.target, target)
        return sort(*edges, weight=weight, noise=self.noise)

    def keep(self, kept: np.ndarray) -> Parameters:
        """Return them with some of the edges only, ``(m,)`` bool."""
        return Parameters(self.source[kept], self.target[kept], self.weight[kept], self.noise)


def sort(source: np.ndarray, target: np.ndarray, *, weight: np.ndarray, noise: np.ndarray) -> Parameters:
    """Return edges in any order as parameters."""
    by_target = np.lexsort((source, target))
    return Parameters(source[by_target].astype(np.int64), target[by_target].astype(np.int64), weight[by_target], noise)


@dataclass(frozen=True)
class Fit:
    """The likelihood at some parameters.

    Parameters
    ----------
    total
        ``(d, d)`` total effects ``A``, row on column.
    covariance
        ``(d, d)`` of ``z``: ``S``.
    loss
        Minus the log-likelihood, up to a constant.
    misfit
        ``(d, d)``, ``G``: 0 where what is measured is as the network has it.
    inverse
        ``(d, d)``, of ``V``.
    """

    measured: Measured
    parameters: Parameters
    total: np.ndarray
    covariance: np.ndarray
    loss: float
    misfit: np.ndarray
    inverse: np.ndarray

    @classmethod
    def at(cls, measured: Measured, parameters: Parameters) -> Fit:
        """Return the likelihood at these parameters: two inverses and some products of ``d x d`` matrices."""
        R, c, n = measured
        B = np.zeros_like(R)
        B[parameters.target, parameters.source] = parameters.weight
        total = inv(np.eye(len(c)) - B)
        covariance = (total * parameters.noise) @ total.T
        V = c[:, None] * covariance * c
        V[np.diag_indices(len(c))] += 1.0 - c**2
        root = cholesky(V, lower=True)
        inverse = inv(V)
        loss = n * (float(np.log(root.diagonal()).sum()) + 0.5 * float(np.sum(inverse * R)))
        return cls(measured, parameters, total, covariance, loss, inverse - inverse @ R @ inverse, inverse)

    @cached_property
    def slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes of the loss over ``n``: in weights, ``(d, d)``, target by source, and in ``w``, ``(d,)``."""
        seen, c = self.measured.loading[:, None] * self.total, self.measured.loading[:, None]
        pulled = self.misfit @ seen
        return pulled.T @ (c * self.covariance), 0.5 * np.einsum("ij,ij->j", seen, pulled)

    @cached_property
    def information(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of ``q = a' V^-1 a``, ``P = a' V^-1 s`` and ``H = s' V^-1 s`` consists all Fisher information over ``n``.

        With ``a_j`` and ``s_i`` columns of ``C A`` and ``C S``: ``(d,)``, ``(d, d)`` target by source, and ``(d, d)``.
        """
        seen, c = self.measured.loading[:, None] * self.total, self.measured.loading[:, None]
        shown, weighed = c * self.covariance, self.inverse @ seen
        return np.einsum("ij,ij->j", seen, weighed), weighed.T @ shown, shown.T @ (self.inverse @ shown)

    def variances(self) -> list[np.ndarray]:
        """Inverse information of each gene's weights and of the logarithm of its noise, ``(p + 1, p + 1)`` each."""
        (q, P, H), (source, _, _, noise), out = self.information, self.parameters, []
        indptr = self.parameters.indptr
        for j, (a, b) in enumerate(pairwise(indptr)):
            parents = source[a:b]
            own = np.empty((b - a + 1, b - a + 1))
            own[:-1, :-1] = q[j] * H[np.ix_(parents, parents)] + np.outer(P[j, parents], P[j, parents])
            own[:-1, -1] = own[-1, :-1] = q[j] * P[j, parents] * noise[j]
            own[-1, -1] = 0.5 * (q[j] * noise[j]) ** 2
            own[np.diag_indices(len(own))] += RIDGE * own.diagonal() + NOTHING
            out.append(inv(self.measured.n_obs * own))
        return out

    def losses(self) -> np.ndarray:
        """Return the log-likelihood that goes with each edge, ``(m,)``, the gene fitted anew: ``b^2 / 2 var b``."""
        own = [block.diagonal()[:-1] for block in self.variances()]
        lost: np.ndarray = self.parameters.weight**2 / (2.0 * np.concatenate(own))
        return lost

    def gains(self) -> np.ndarray:
        """Return the log-likelihood that each edge would bring, ``(d, d)``, target by source, and its sign.

        The weights and the noise that the gene has give way.  0 where an edge is there, and where it would close a
        cycle.
        """
        (slope, at_noise), (q, P, H) = self.slopes, self.information
        n, out, indptr = self.measured.n_obs, np.zeros_like(slope), self.parameters.indptr
        for j in np.flatnonzero(q > TINY):
            parents = self.parameters.source[indptr[j] : indptr[j + 1]]
            left = slope[j] - 2.0 * P[j] * at_noise[j] / q[j]
            alone = q[j] * H.diagonal() - P[j] ** 2
            beside = alone
            if len(parents):
                shared = q[j] * H[parents] - np.outer(P[j, parents], P[j])
                own = shared[:, parents] + RIDGE * np.diag(alone[parents])
                share = solve(own, shared, assume_a="sym")
                left, beside = left - left[parents] @ share, alone - np.einsum("ij,ij->j", shared, share)
            bar = np.maximum(beside, LEAST_NEW * alone)
            gain = np.divide(n * left**2, 2.0 * bar, out=np.zeros_like(left), where=bar > TINY)
            gain[parents] = 0.0
            gain[self.total[:, j] != 0] = 0.0  # itself, and what lies behind it
            out[j] = -np.sign(left) * gain
        return out


def fit(measured: Measured, parameters: Parameters, *, rounds: int = 60, tol: float = 0.2) -> Fit:
    """Maximize the likelihood over weights and noise from ``parameters`` on, to about ``tol`` nats.

    L-BFGS, in units in which the information of each gene at the start is 1, so that it begins as Fisher scoring.
    """
    from scipy.optimize import minimize  # here: a tenth of a second, of commands that fit nothing

    start = Fit.at(measured, parameters)
    roots = [cholesky(block, lower=True) for block in start.variances()]
    root, order = block_diag(roots, format="csr"), _by_gene(parameters)
    m = len(parameters.weight)
    theta = np.append(parameters.weight, np.log(parameters.noise))[order]

    def back(y: np.ndarray) -> Parameters:
        moved = np.empty_like(theta)
        moved[order] = theta + root @ y
        noise = np.exp(np.clip(moved[m:], np.log(LEAST_NOISE), np.log(MOST_NOISE)))
        return parameters._replace(weight=moved[:m], noise=noise)

    def objective(y: np.ndarray) -> tuple[float, np.ndarray]:
        try:
            here = Fit.at(measured, back(y))
        except LinAlgError:  # a step so far that no covariance is left in floating point: the line search turns back
            return 2.0 * abs(start.loss) + 1.0, np.zeros_like(y)
        slope, at_noise = here.slopes
        gradient = np.append(slope[parameters.target, parameters.source], at_noise * here.parameters.noise)
        return here.loss, measured.n_obs * (root.T @ gradient[order])

    accuracy = tol / max(abs(start.loss), 1.0)
    found = minimize(
        objective, np.zeros_like(theta), jac=True, method="L-BFGS-B", options={"maxiter": rounds, "ftol": accuracy}
    )
    return Fit.at(measured, back(found.x))


def _by_gene(parameters: Parameters) -> np.ndarray:
    """Return where weights and noise of each gene stand among all weights followed by all noise."""
    genes = np.append(parameters.target, np.arange(len(parameters.noise)))
    return np.argsort(genes, kind="stable")
