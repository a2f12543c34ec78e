"""Other programs that learn acyclic graphs, called with their own settings where they are installed.

They run on one BLAS thread, so that their processor time is the time of their work.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acyclome.core.workers import one_blas_thread
from acyclome.evaluate.accuracy import Edges

DAGMA_LAMBDA1, NOTEARS_LAMBDA1 = 0.03, 0.1  # what the authors' examples take
GIES_GENES = 30  # 4.5 s of sparse graphs; it tries all subsets of a gene's neighbours


@dataclass(frozen=True)
class Peer:
    """A program beside ours: what to import, how to get it, and how to call it on data ``(n, d)``."""

    module: str
    install: str
    fit: Callable[[np.ndarray], np.ndarray]

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported here."""
        return _is_installed(self.module)

    def edges(self, X: np.ndarray) -> Edges:
        """Return the edges that it finds, source and target, ``(m,)`` each; `X` is not changed."""
        with one_blas_thread(), contextlib.redirect_stderr(io.StringIO()):
            W = self.fit(np.array(X, dtype=np.float64, order="C"))
        source, target = np.nonzero(W)
        return source, target


def gies(X: np.ndarray, acted_on: np.ndarray) -> Edges:
    """Return the edges by greedy interventional equivalence search (Hauser and Bühlmann 2012), undirected ones twice.

    ``X``, ``(n, d)``, and the column that each row acts on, ``(n,)``, -1 for none. See :func:`has_gies`.
    """
    from gies import fit_bic

    parts = [(int(gene), np.flatnonzero(acted_on == gene)) for gene in np.unique(acted_on)]
    with one_blas_thread():
        data = [np.array(X[rows], dtype=np.float64) for _, rows in parts]
        A, _ = fit_bic(data, [[] if gene < 0 else [gene] for gene, _ in parts])
    source, target = np.nonzero(A)
    return source, target


def has_gies(n_genes: int) -> bool:
    """Whether GIES can run: it is installed, and there are few enough genes."""
    return n_genes <= GIES_GENES and _is_installed("gies")


def _is_installed(module: str) -> bool:
    top = module.partition(".")[0]
    return importlib.util.find_spec(top) is not None and importlib.util.find_spec(module) is not None


def _dagma(X: np.ndarray) -> np.ndarray:
    from dagma.linear import DagmaLinear

    return DagmaLinear(loss_type="l2").fit(X, lambda1=DAGMA_LAMBDA1)


def _notears(X: np.ndarray) -> np.ndarray:
    from notears.linear import notears_linear

    return notears_linear(X, lambda1=NOTEARS_LAMBDA1, loss_type="l2")


PEERS = {
    "DAGMA": Peer("dagma.linear", 'pip install "acyclome[bench]"', _dagma),
    # Its authors publish the code, but no package.
    "NOTEARS": Peer("notears.linear", "pip install git+https://github.com/xunzheng/notears", _notears),
}
