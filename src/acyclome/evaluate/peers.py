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


@dataclass(frozen=True)
class Peer:
    """A program beside ours: what to import, how to get it, and how to call it on data ``(n, d)``."""

    module: str
    install: str
    fit: Callable[[np.ndarray], np.ndarray]

    @property
    def is_installed(self) -> bool:
        """Whether it can be imported here."""
        top = self.module.partition(".")[0]
        return importlib.util.find_spec(top) is not None and importlib.util.find_spec(self.module) is not None

    def edges(self, X: np.ndarray) -> Edges:
        """Return the edges that it finds, source and target, ``(m,)`` each; `X` is not changed."""
        with one_blas_thread(), contextlib.redirect_stderr(io.StringIO()):
            W = self.fit(np.array(X, dtype=np.float64, order="C"))
        source, target = np.nonzero(W)
        return source, target


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
