"""The marginal transform of every gene: none, rank to normal, or whichever of the two the data ask for.

Rank to normal replaces a gene by ``Phi^-1((r - 1/2) / n)`` of its ranks r (ties averaged). In a sparse matrix each gene
is then shifted so that its zeros, which share one rank, stay zero: the engine centres every gene, so nothing is lost,
and the matrix stays sparse.

``auto``. The information that its causes hold about a gene does not change under rising maps of the genes; what changes
is how much of it a linear Gaussian equation, which is what will be fitted, can use. So on a sample of at most 500 genes
and 2,000 observations, a regression with at most three forward-selected regressors is fitted to every gene on one half
of the observations and judged on the other, under both transforms. The gain of a gene is the held-out Gaussian
log-likelihood per observation above that of its mean and variance alone, and zero where the regression predicts worse
than these (no equation is then the better one). Rank is chosen if its mean gain is larger by more than one standard
error over the genes (and 0.001); otherwise the values stay as they are, so that a tie changes nothing.

Models other than linear bend lines themselves, and read directions off noise that adds up on the scale of the values;
a map of the target ends that. For them ``auto`` leaves the values as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from acyclome.prepare.matrix import Matrix

SAMPLE_GENES = 500  # the error of a mean over so many genes is a twentieth of their spread
SAMPLE_OBSERVATIONS = 2_000  # a thousand on each half; no other number is on record
_STREAM = 0x7A2F  # keeps the draws of this step apart from all others of the same seed
_REGRESSORS = 3  # at most: a gene of a sparse network has two or three causes
# Ranks lose units and tails, so they are taken where their gain is above its error and not merely there.
_STANDARD_ERRORS = 1.0
_LEAST_GAIN = 1e-3
_LEAST_VARIANCE = 1e-6  # of a gene that others copy: its gain stays finite


@dataclass(frozen=True)
class Choice:
    """The transform that the data ask for, and the mean held-out gains (nats per observation and gene) behind it."""

    transform: str
    gain_none: float
    gain_rank: float
    standard_error: float

    @property
    def reason(self) -> str:
        return (
            f"held-out gain of small regressions {self.gain_rank:.3f} with ranks, {self.gain_none:.3f} without "
            f"(difference {self.gain_rank - self.gain_none:+.3f}, standard error {self.standard_error:.3f})"
        )


def rank_to_normal(X: Matrix) -> Matrix:
    """Return the normal scores of every row as float32; ties share the mean of their ranks.

    A dense matrix gives scores of mean zero (nearly: ties); a sparse one scores shifted so that its zeros stay zero.
    """
    from scipy.special import ndtri

    n = X.shape[1]
    if not sp.issparse(X):
        ranks = np.array([_mean_ranks(row) for row in X]).reshape(X.shape)
        return ndtri((ranks - 0.5) / n).astype(np.float32)
    data = np.empty(len(X.data), dtype=np.float32)
    for row in range(X.shape[0]):
        at = slice(X.indptr[row], X.indptr[row + 1])
        values = X.data[at]
        below, n_zero = int(np.sum(values < 0)), n - len(values)
        ranks = _mean_ranks(values)
        ranks[values > 0] += n_zero
        middle = ndtri((below + (n_zero + 1) / 2 - 0.5) / n) if n_zero else 0.0
        data[at] = ndtri((ranks - 0.5) / n) - middle
    return sp.csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def _mean_ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1; ties share the mean of theirs.  scipy.stats has it, of which one loads all distributions."""
    order = np.argsort(values, kind="stable")
    found = values[order]
    first = np.flatnonzero(np.r_[True, found[1:] != found[:-1]][: len(values)])
    last = np.append(first[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((first + 1 + last) / 2, last - first)
    return ranks


def choose_transform(X: np.ndarray, seed: int = 0, Q: np.ndarray | None = None) -> Choice:
    """Choose between no transform and rank to normal, by the data alone (see the module's text).

    ``X`` is ``(genes, n_obs)``; ``Q`` ``(n_obs, p)`` an orthonormal basis of the covariates, taken out after either.
    """
    halves = np.random.default_rng([seed, _STREAM, 1]).permutation(X.shape[1])
    middle = len(halves) // 2
    values = [np.asarray(Z, dtype=np.float64) for Z in (X, rank_to_normal(X))]
    values = values if Q is None else [Z - (Z @ Q) @ Q.T for Z in values]
    plain, ranked = (
        np.maximum(_gains(Z, halves[:middle], halves[middle:]) + _gains(Z, halves[middle:], halves[:middle]), 0.0) / 2
        for Z in values
    )
    difference = ranked - plain
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else np.inf
    is_rank = difference.mean() > max(_STANDARD_ERRORS * error, _LEAST_GAIN)
    return Choice("rank" if is_rank else "none", float(plain.mean()), float(ranked.mean()), error)


def draw_sample(n_vars: int, n_obs: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the genes and observations, ascending, on which the transform is chosen."""
    rng = np.random.default_rng([seed, _STREAM, 0])
    genes = rng.choice(n_vars, min(n_vars, SAMPLE_GENES), replace=False)
    observations = rng.choice(n_obs, min(n_obs, SAMPLE_OBSERVATIONS), replace=False)
    return np.sort(genes), np.sort(observations)


def _gains(X: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Return ``(genes,)`` held-out gains in log-likelihood per observation of forward regressions."""
    mean, scale = X[:, train].mean(axis=1, keepdims=True), X[:, train].std(axis=1, keepdims=True)
    varies = (scale > 1e-12 * np.maximum(np.abs(mean), 1.0)).ravel()  # above the rounding of a mean in float64
    Z = (X[varies] - mean[varies]) / scale[varies]
    R = Z[:, train] @ Z[:, train].T / len(train)
    chosen, is_used = _forward(R, len(train))
    weights, variance = _regressions(R, chosen, is_used)
    gains = np.zeros(len(X))
    places = np.flatnonzero(varies)
    for j in range(len(Z)):
        observed = Z[j, test]
        error = observed - weights[j] @ Z[np.ix_(chosen[j], test)]
        gain = np.mean(observed**2) / 2 - np.mean(error**2) / (2 * variance[j]) - np.log(variance[j]) / 2
        gains[places[j]] = gain if is_used[j].any() else 0.0
    return gains


def _forward(R: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(d, k)`` regressors of every gene by forward selection on correlations, and which of them entered.

    A regressor enters while it lowers ``n/2 log(variance)`` by more than ``1/2 log n + log d``.
    """
    d = len(R)
    steps = min(_REGRESSORS, d - 1)
    cross, left = R.copy(), np.ones((d, d))  # of target j (row) with regressor i (column), after those chosen for j
    variance, axes = np.ones(d), np.zeros((d, steps, d))
    chosen, is_used = np.zeros((d, steps), dtype=np.int64), np.zeros((d, steps), dtype=bool)
    rows, active = np.arange(d), np.ones(d, dtype=bool)
    for step in range(steps):
        drop = cross**2 / np.maximum(left, 1e-3)  # near copies of those that entered gain little
        drop[rows, rows] = -1.0  # never itself, nor one that has entered
        drop[rows[:, None], chosen[:, :step]] = -1.0
        best = drop.argmax(axis=1)
        after = np.maximum(variance - drop[rows, best], _LEAST_VARIANCE)
        active &= n / 2 * np.log(variance / after) > np.log(n) / 2 + np.log(d)
        axis = R[best] - np.einsum("jk,jki->ji", axes[rows, :, best], axes)
        axis /= np.sqrt(np.maximum(left[rows, best], 1e-3))[:, None]
        cross -= axis * axis[rows, rows][:, None]
        left -= axis**2
        axes[:, step], chosen[:, step], is_used[:, step] = axis, best, active
        variance = np.where(active, after, variance)
    return chosen, is_used


def _regressions(R: np.ndarray, chosen: np.ndarray, is_used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(d, k)`` least-squares weights (zero where not used) and ``(d,)`` residual variances."""
    used = is_used[:, :, None] & is_used[:, None, :]
    # Rows that are not used are those of the unit matrix, so that all genes are solved in one call.
    gram = np.where(used, R[chosen[:, :, None], chosen[:, None, :]], np.eye(chosen.shape[1]))
    right = np.where(is_used, np.take_along_axis(R, chosen, axis=1), 0.0)
    weights = np.linalg.solve(gram, right[:, :, None])[:, :, 0]
    return weights, np.maximum(1.0 - np.sum(weights * right, axis=1), _LEAST_VARIANCE)
