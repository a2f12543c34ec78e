"""What it would cost to turn an edge round."""

from __future__ import annotations

import numpy as np

from acyclome.core.data.dag import Dag
from acyclome.core.data.moments import Moments
from acyclome.core.kernel import kernel

TINY = 1e-300


def reversal_losses(data: Moments, dag: Dag, *, equal_noise: bool = False) -> np.ndarray:
    """Log-likelihood lost by turning each edge ``i -> j`` round, all other edges held, ``(m,)``.

    ``n/2 (log v_j(P_j - i) + log v_i(P_i + j) - log v_j(P_j) - log v_i(P_i))`` with ``v_k(S)`` the residual variance of
    ``k`` given ``S``.  Zero for covered edges (Chickering 1995), whose reversal no linear Gaussian data can tell.
    Negative values are possible: an edge may stand as it does because its reversal would close a cycle.  With equal
    noise ``n / (2 sigma^2) s_k^2 v_k`` takes the place of ``n/2 log v_k``, and covered edges lose too.
    """
    d = len(dag.order)
    by_target = np.argsort(dag.target, kind="stable")
    indptr = np.zeros(d + 1, dtype=np.int64)
    np.cumsum(np.bincount(dag.target, minlength=d), out=indptr[1:])
    loss = np.empty(len(dag.source))
    R = np.empty((0, 0), np.float32) if data.R is None else data.R
    variance = data.scale**2
    weight = variance / max(float(np.mean(variance * dag.rest)), TINY) if equal_noise else np.empty(0)
    loss[by_target] = _reversals(R, data.Z, weight, indptr, dag.source[by_target].astype(np.int64))
    return loss * data.n_effective / 2.0


@kernel
def _reversals(R, Z, weight, indptr, parent):
    out = np.empty(len(parent))
    for j in range(len(indptr) - 1):
        own = parent[indptr[j] : indptr[j + 1]]
        for e in range(indptr[j], indptr[j + 1]):
            i = parent[e]
            theirs = parent[indptr[i] : indptr[i + 1]]
            fewer = own[own != i]
            more = np.append(theirs, np.int64(j))
            now = _cost(R, Z, weight, j, own) + _cost(R, Z, weight, i, theirs)
            out[e] = _cost(R, Z, weight, j, fewer) + _cost(R, Z, weight, i, more) - now
    return out


@kernel
def _cost(R, Z, weight, k, given):
    """Log of the variance of ``k`` that the genes ``given`` leave, or with ``weight`` its multiple of that variance."""
    s = len(given)
    L = np.zeros((s + 1, s + 1))
    for a in range(s + 1):
        x = given[a] if a < s else k
        for b in range(a + 1):
            y = given[b] if b < s else k
            total = np.float64(R[x, y] if len(R) else np.dot(Z[x], Z[y]) / Z.shape[1])
            for c in range(b):
                total -= L[a, c] * L[b, c]
            if a == b:
                L[a, a] = np.sqrt(max(total, 1e-9))
            else:
                L[a, b] = total / L[b, b]
    return weight[k] * L[s, s] ** 2 if len(weight) else 2.0 * np.log(L[s, s])
