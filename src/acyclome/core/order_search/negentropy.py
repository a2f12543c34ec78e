"""How far noise is from Gaussian, and what that is worth in log-likelihood.

Of all noise with variance 1 the Gaussian has the largest entropy; what ``u`` lacks of it, its negentropy ``J``, is the
log-likelihood per observation that its own density gains over the Gaussian one.  From two moments that heavy tails
hardly move (Hyvarinen 1998),

    J(u) = k_1 (E u exp(-u^2/2))^2 + k_2 (E exp(-u^2/2) - sqrt(1/2))^2,

that of the density of largest entropy with these moments.  For ``n`` Gaussian observations ``P(n J > t) = exp(-t)``.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.interventions import LEAST_OWN
from acyclome.core.kernel import kernel
from acyclome.core.order_search.cache import hash_of, recall, remember

K_ODD = float(36.0 / (8.0 * np.sqrt(3.0) - 9.0))  # k_1 and k_2 of Hyvarinen (1998), his equation for these two moments
K_EVEN = float(24.0 / (16.0 * np.sqrt(3.0) - 27.0))
GAUSSIAN = float(np.sqrt(0.5))  # E exp(-u^2/2) of a Gaussian u
TINY = 1e-12  # of a variance of 1, which a copy of the parents leaves
RIDGE = 1e-9  # of a Cholesky pivot, so that a copy of a parent divides nothing by zero


def least_gain(n_obs: float, n_genes: int) -> float:
    """Log-likelihood from which noise is measurably not Gaussian, ``log n + log d``.

    The extended BIC's cost of two moments, and a test: Gaussian noise exceeds it with probability ``1 / (n d)``, the
    noise of any of ``d`` genes with ``1 / n`` (Bonferroni).
    """
    return float(np.log(n_obs) + np.log(n_genes))


@kernel(fastmath=True, _nrt=False)
def negentropy(u, scale):
    """Negentropy of ``u / scale``, of mean 0 and mean square 1, ``(n,) -> float``."""
    odd, even = 0.0, 0.0
    for k in range(len(u)):
        x = u[k] / scale
        e = np.exp(-0.5 * x * x)
        odd += x * e
        even += e
    odd, even = odd / len(u), even / len(u) - GAUSSIAN
    return K_ODD * odd * odd + K_EVEN * even * even


@kernel(fastmath=True, _nrt=False)
def noise_gain(Z, j, parents, out, n_obs, least, residual, L):
    """Log-likelihood that the noise of gene ``j`` gains by not being Gaussian: ``max(0, n J(residual) - least)``.

    Nothing where the gene has fewer than ``LEAST_OWN`` observations of its own.

    ``Z`` are standardized genes, ``(d, n)`` float32; ``parents``, ``(p,)``, those on which the gene is regressed;
    ``out``, ``(t,)`` rising, the observations in which it was a target; ``residual`` and ``L`` scratch, ``(n,)``
    float32 and ``(p + 1, p)`` float64.
    """
    size, n, response = len(parents), Z.shape[1], Z[j]
    own, w = n - len(out), L[size]
    if own < LEAST_OWN:
        return 0.0
    for a in range(size):  # Cholesky, and on the way the forward half of the solution
        for b in range(a + 1):
            L[a, b] = _remainder(Z[parents[a]], Z[parents[b]], out, L[a], L[b], b)
            if a == b:
                L[a, a] = np.sqrt(max(L[a, a], RIDGE))
            else:
                L[a, b] /= L[b, b]
        w[a] = _remainder(Z[parents[a]], response, out, L[a], w, a) / L[a, a]
    for a in range(size - 1, -1, -1):  # the backward half
        for k in range(a + 1, size):
            w[a] -= L[k, a] * w[k]
        w[a] /= L[a, a]
    for k in range(n):
        residual[k] = response[k]
    for a in range(size):
        z, weight = Z[parents[a]], np.float32(w[a])
        for k in range(n):
            residual[k] -= weight * z[k]
    if own < n:
        _gather_own(residual, out)
    square = 0.0
    for k in range(own):
        square += residual[k] * residual[k]
    return max(n_obs * negentropy(residual[:own], np.sqrt(max(square / own, TINY))) - least, 0.0)


@kernel(_nrt=False)
def _gather_own(residual, out):
    """Bring what is not left out to the front, less its mean."""
    at, left, total = 0, 0, 0.0
    for k in range(len(residual)):
        if left < len(out) and out[left] == k:
            left += 1
            continue
        residual[at] = residual[k]
        total += residual[k]
        at += 1
    for k in range(at):
        residual[k] -= np.float32(total / at)


@kernel(fastmath=True, _nrt=False)
def _remainder(x, y, out, row, other, size):
    """Covariance of two genes without ``out`` less what the first ``size`` columns of their rows explain."""
    total = 0.0
    for k in range(len(x)):
        total += x[k] * y[k]
    if len(out) > 0:
        own, sum_x, sum_y = len(x) - len(out), 0.0, 0.0
        for k in out:
            total -= x[k] * y[k]
            sum_x += x[k]
            sum_y += y[k]
        total = total / own - sum_x / own * (sum_y / own)
    else:
        total /= len(x)
    for k in range(size):
        total -= row[k] * other[k]
    return total


@kernel(_nrt=False)
def selected_gain(g, blocks, scratch, p):
    """Return what the noise of gene ``g`` gains given the parents selected in ``p``, see :func:`noise_gain`.

    What it was for a set of parents is remembered; to the last bit it does not depend on their order.
    """
    size = p.size - p.at_bound
    set_hash, parents = hash_of(-1 - g.row), scratch.idx[:size]
    for a in range(size):
        set_hash ^= hash_of(g.start + p.selected[a])
        parent, at = blocks.parent[g.start + p.selected[a]], a
        while at > 0 and parents[at - 1] > parent:
            parents[at] = parents[at - 1]
            at -= 1
        parents[at] = parent
    gain = recall(scratch.gains, set_hash)
    if np.isnan(gain):
        out = blocks.target_obs[blocks.target_indptr[g.row] : blocks.target_indptr[g.row + 1]]
        gain = noise_gain(blocks.Z, g.row, parents, out, 2.0 * g.factor, blocks.least, scratch.residual, scratch.double)
        remember(scratch.gains, set_hash, gain)
    return gain
