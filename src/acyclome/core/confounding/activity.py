"""What regulators do, where their expression shows it with an error: the posterior activity given all genes.

    x_j = sum_k L_jk a_k + sum_i B_ji x_i + e_j,    a_k = sum_l C_kl a_l + sum_i M_ki x_i + g_k,    x_k = a_k + u_k

A regulator ``k`` is seen as ``x_k`` and acts as ``a_k``; ``u_k`` is what its transcript shows and its targets do not
feel, and the other way round.  Given the graph all this is Gaussian, so that the posterior of ``a`` is closed, and
EM fits coefficients and variances (errors in variables with as many instruments as there are targets).  Without error
``a_k`` is ``x_k``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from acyclome.core.data.index_maps import row_pointers
from acyclome.core.data.moments import Moments
from acyclome.core.data.standardized import Standardized

LEAST_ERROR = 1e-4  # of the variance of a gene: without an error a precision would be infinite
LEAST_LEFT = 1e-3  # of a variance: a gene that the others explain wholly would weigh without bound
START = 0.1  # error of a regulator before it is fitted; from .02 and .3 EM came to the same
RIDGE = 1e-9


@dataclass(frozen=True)
class Activities:
    """Posterior of the activities of some genes, in standard deviations of their expression.

    Parameters
    ----------
    genes
        ``(k,)`` rising.
    mean
        ``(k, n)``.
    covariance
        ``(k, k)``, the same for every observation.
    error
        ``(k,)`` variance of what expression shows beside activity.
    log_likelihood
        Of all genes, activities integrated out, without the constant that every model has.
    """

    genes: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    error: np.ndarray
    log_likelihood: float

    @classmethod
    def of_expression(cls, data: Moments, genes: np.ndarray) -> Activities:
        """Return activities that are what is seen, and an error for EM to start from."""
        k = len(genes)
        return cls(
            genes, data.standardized.genes(genes).astype(np.float64), np.zeros((k, k)), np.full(k, START), -np.inf
        )

    def on(self, genes: np.ndarray, data: Moments) -> Activities:
        """Return those of other genes: what is known of those among them, and of the others what is seen."""
        known = np.isin(genes, self.genes)
        at = np.searchsorted(self.genes, genes[known])
        out = self.of_expression(data, genes)
        out.mean[known], out.error[known] = self.mean[at], self.error[at]
        out.covariance[np.ix_(known, known)] = self.covariance[np.ix_(at, at)]
        return out

    def named(self, genes: np.ndarray) -> Activities:
        """Return the same as those of other genes, ``(k,)`` in this order, not yet fitted to them."""
        line = np.argsort(genes)
        covariance = self.covariance[np.ix_(line, line)]
        return Activities(genes[line], self.mean[line], covariance, self.error[line], -np.inf)

    def draw(self, Z: np.ndarray, seed: int) -> np.ndarray:
        """Draw activities ``(k, n)`` whose moments are those expected, with what the rows of ``Z`` show as it is.

        What is drawn is without correlation with the means and, where there are observations enough, with all genes.
        """
        n, k = self.mean.shape[1], len(self.genes)
        if k == 0:
            return self.mean
        known = np.vstack([Z, self.mean]) if len(Z) + 2 * k < n else self.mean
        basis, _ = np.linalg.qr(known.T)
        noise = np.random.default_rng(seed).standard_normal((n, k))
        noise -= noise.mean(axis=0)
        noise -= basis @ (basis.T @ noise)
        white, _ = np.linalg.qr(noise)
        values, vectors = np.linalg.eigh(self.covariance)
        drawn: np.ndarray = self.mean + (vectors * np.sqrt(np.maximum(values * n, 0.0))) @ white.T
        return drawn


def expected_moments(data: Moments, activities: Activities) -> Moments:
    """Return the moments with activities in place of expression: means in ``Z``, and in ``R`` what is expected."""
    C, h = _covariances(data, activities), activities.genes
    scale = np.sqrt(C[:, h].diagonal())
    Z, R = data.Z.copy(), data.among(np.arange(data.n_genes))
    Z[h] = activities.mean / scale[:, None]
    C /= scale[:, None]
    C[:, h] /= scale
    R[h], R[:, h] = C, C.T
    return replace(data, standardized=Standardized.of(Z), R=R)


def _covariances(data: Moments, activities: Activities) -> np.ndarray:
    """Return expected covariances of activities with one another and with all other genes, ``(k, d)``."""
    Z, h, mean = data.Z, activities.genes, activities.mean
    C = (mean.astype(Z.dtype) @ Z.T / Z.dtype.type(data.n_obs)).astype(np.float64)
    C[:, h] = mean @ mean.T / data.n_obs + activities.covariance
    return C


def fit(
    data: Moments, edges: tuple[np.ndarray, np.ndarray], activities: Activities, *, rounds: int
) -> tuple[Activities, sparse.csr_matrix]:
    """Fit coefficients and errors to edges by EM; return the activities and the coefficients, target by source."""
    W = sparse.csr_matrix((data.n_genes, data.n_genes))
    for _ in range(rounds):
        W, left = _regress(data, edges, activities)
        error = np.mean((data.Z[activities.genes] - activities.mean) ** 2, axis=1) + activities.covariance.diagonal()
        if not np.isfinite(activities.log_likelihood):
            error = activities.error
        activities = posterior(data, W, left=left, genes=activities.genes, error=np.maximum(error, LEAST_ERROR))
    return activities, W


def _regress(
    data: Moments, edges: tuple[np.ndarray, np.ndarray], activities: Activities
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Regress every gene on its parents by expected moments; return coefficients and variances left, ``(d,)``."""
    d, h = data.n_genes, activities.genes
    C, place = _covariances(data, activities), np.full(d, -1)
    place[h] = np.arange(len(h))

    def among(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        out = data.pairs(a.ravel(), b.ravel()).astype(np.float64)
        for one, other in ((a.ravel(), b.ravel()), (b.ravel(), a.ravel())):
            at = np.flatnonzero(place[one] >= 0)
            out[at] = C[place[one[at]], other[at]]
        return out.reshape(a.shape)

    line = np.argsort(edges[1], kind="stable")
    source, indptr = edges[0][line], row_pointers(edges[1][line], d)
    counts, every = np.diff(indptr), np.arange(d)
    left, weight = among(every, every), np.empty(len(source))
    for p in np.unique(counts[counts > 0]):
        genes = np.flatnonzero(counts == p)
        rows = indptr[genes][:, None] + np.arange(p)
        parents = source[rows]
        gram = among(np.repeat(parents, p, axis=1), np.tile(parents, (1, p))).reshape(-1, p, p) + RIDGE * np.eye(p)
        cross = among(parents, np.repeat(genes[:, None], p, axis=1))
        weight[rows] = np.linalg.solve(gram, cross[:, :, None])[:, :, 0]
        left[genes] -= np.sum(weight[rows] * cross, axis=1)
    return sparse.csr_matrix((weight, source, indptr), shape=(d, d)), np.maximum(left, LEAST_LEFT)


def posterior(
    data: Moments, W: sparse.csr_matrix, *, left: np.ndarray, genes: np.ndarray, error: np.ndarray
) -> Activities:
    """Return activities given coefficients, variances left ``(d,)``, and errors ``(k,)``; ``k^2 (n + d)`` work."""
    Z, n = data.Z, data.n_obs
    others = np.setdiff1d(np.arange(data.n_genes), genes)
    of_others, of_genes = W[others], W[genes]
    L, own = of_others[:, genes], np.eye(len(genes)) - of_genes[:, genes].toarray()
    E = Z[others] - of_others[:, others] @ Z[others]
    caused = of_genes[:, others] @ Z[others]
    weighed = sparse.diags(1.0 / left[others]) @ L
    precision = 1.0 / left[genes]
    total = (L.T @ weighed).toarray() + own.T @ (precision[:, None] * own) + np.diag(1.0 / error)
    covariance = np.linalg.inv(total)
    covariance = (covariance + covariance.T) / 2
    given = weighed.T @ E + Z[genes] / error[:, None] + own.T @ (precision[:, None] * caused)
    mean = covariance @ given
    squares = np.sum((E - L @ mean) ** 2, axis=1) / left[others]
    about = np.sum((own @ mean - caused) ** 2, axis=1) * precision
    seen = np.sum((Z[genes] - mean) ** 2, axis=1) / error
    _, determinant = np.linalg.slogdet(covariance)
    logs = np.log(left).sum() + np.log(error).sum() - determinant
    likelihood = -0.5 * float(squares.sum() + about.sum() + seen.sum() + n * logs)
    return Activities(genes, mean, covariance, error, likelihood)
