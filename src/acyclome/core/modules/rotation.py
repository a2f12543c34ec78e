"""Principal components of the genes, rotated so that few genes have large loadings: independent components over genes.

    max_W sum_k E_j log cosh((U W)_jk),    W orthogonal,  U the loadings of principal components with mean square 1

Choice: independence over genes, not over observations (Sastry et al. 2019).  Reason: modules of a few genes each are
what is far from Gaussian there, while experiments are as they were designed.  What would change it: modules of which
every one has most of the genes; those are hidden factors, and nothing tells one rotation from another.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from acyclome.core.data.deconfounding import standardized_rows

ROUNDS, CONVERGED = 100, 1e-4  # of the fixed point; at 200 components of 265 arrays not even 300 rounds reach it
LEAST_LEFT = 1e-9  # of the largest eigenvalue: what is below is rounding


def independent_loadings(Z: np.ndarray, number: int) -> np.ndarray:
    """Return loadings over genes of at most so many components, ``(d, r)``, each of mean square 1, signs open.

    ``Z``, ``(d, n)``, is weighed as it comes: genes with larger rows say more of where components lie.  Cost:
    ``min(d, n)^2 max(d, n)`` and ``d r^2`` for each of the rounds.
    """
    if not number:
        return np.empty((len(Z), 0))
    L = _principal_loadings(Z - Z.mean(axis=1, keepdims=True), number)
    return L @ _rotation(L)


def scores_of(Z: np.ndarray, loadings: np.ndarray) -> np.ndarray:
    """Return the activity of each component, ``(r, n)`` of mean 0 and variance 1, from the standardized genes.

    A gene weighs by the square of its loading: of a module the many small loadings of all other genes are noise.
    """
    activity: np.ndarray = standardized_rows((np.abs(loadings) * loadings).T @ Z)
    return activity


def _principal_loadings(Z: np.ndarray, number: int) -> np.ndarray:
    d, n = Z.shape
    gram = Z.T @ Z if n < d else Z @ Z.T
    values, vectors = linalg.eigh(gram, subset_by_index=[max(len(gram) - number, 0), len(gram) - 1])
    kept = values > LEAST_LEFT * max(values[-1], 0.0)
    U = Z @ vectors[:, kept] if n < d else vectors[:, kept]
    size = np.sqrt(np.mean(U * U, axis=0))
    # Signs of eigenvectors are those of the library; the largest loading of each is positive on every machine.
    largest = U[np.abs(U).argmax(axis=0), np.arange(U.shape[1])]
    loadings: np.ndarray = U * (np.sign(largest) / size)
    return loadings


def _rotation(U: np.ndarray) -> np.ndarray:
    """Return the orthogonal ``(r, r)`` by the symmetric fixed point of FastICA (Hyvarinen 1999)."""
    d, r = U.shape
    W = np.eye(r)
    for _ in range(ROUNDS):
        g = np.tanh(U @ W)
        u, _, v = np.linalg.svd(U.T @ g / d - W * np.mean(1.0 - g * g, axis=0))
        new = u @ v
        change = np.max(np.abs(np.abs(np.sum(new * W, axis=0)) - 1.0), initial=0.0)
        W = new
        if change < CONVERGED:
            break
    return W
