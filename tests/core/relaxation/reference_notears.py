"""NOTEARS as in the papers, dense and in float64, with every pair as a candidate: the reference of the relaxation.

    minimize over W   mu F(W) + h(W * W),   F(W) = 1/2 tr((I - W)' R (I - W)) + lambda1 |W|_1,   diag(W) = 0,

for falling ``mu``, each from the last solution.  ``h(A) = -log det(I - A)`` (DAGMA: Bello et al. 2022, with s = 1), and
``W = P - N`` with ``P, N >= 0`` makes the l1 penalty smooth (NOTEARS: Zheng et al. 2018), so L-BFGS-B solves each step.
It shares no line with the package: another h (whole instead of truncated), another solver, another layout.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

OUT_OF_DOMAIN = 1e10


def objective(W, R, lambda1):
    """Return ``F(W)``."""
    E = np.eye(len(W)) - W
    return 0.5 * np.sum(E * (R @ E)) + lambda1 * np.abs(W).sum()


def log_det(W):
    """Return ``h(W * W)`` and ``dh/dW``; infinite where the spectral radius of ``W * W`` is not below one."""
    M = np.eye(len(W)) - W * W
    sign, logarithm = np.linalg.slogdet(M)
    inverse = np.linalg.inv(M) if sign > 0 else None
    if inverse is None or inverse.min() < -1e-9:  # I - A is an M-matrix exactly where its inverse has no negative entry
        return np.inf, np.zeros_like(W)
    return -logarithm, 2.0 * W * inverse.T


def minimize_penalized(W, R, lambda1, mu, max_steps=5000):
    """Minimize ``mu F + h`` from ``W``."""
    d = len(W)
    off = ~np.eye(d, dtype=bool)

    def value_and_gradient(x):
        P, N = np.zeros((d, d)), np.zeros((d, d))
        P[off], N[off] = np.split(x, 2)
        V = P - N
        h, slope = log_det(V)
        if not np.isfinite(h):
            return OUT_OF_DOMAIN, np.zeros_like(x)
        E = np.eye(d) - V
        slope = slope - mu * (R @ E)
        value = mu * (0.5 * np.sum(E * (R @ E)) + lambda1 * x.sum()) + h
        return value, np.concatenate([slope[off] + mu * lambda1, -slope[off] + mu * lambda1])

    x = np.concatenate([np.maximum(W, 0)[off], np.maximum(-W, 0)[off]])
    options = {"maxiter": max_steps, "maxfun": 4 * max_steps, "ftol": 1e-10, "gtol": 1e-5, "maxcor": 10}
    found = minimize(value_and_gradient, x, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(x), options=options)
    V = np.zeros((d, d))
    V[off] = np.subtract(*np.split(found.x, 2))
    return V


def notears(R, lambda1, path):
    """Follow the central path from zero; return the ``(W, F, h)`` of every ``mu``."""
    W, found = np.zeros_like(R), []
    for mu in path:
        W = minimize_penalized(W, R, lambda1, mu)
        found.append((W, objective(W, R, lambda1), log_det(W)[0]))
    return found
