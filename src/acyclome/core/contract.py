"""What a structural model offers the hill climbing, whatever its functions and its noise.

A model is a room of :mod:`acyclome.models` with a card; here stands only what the core asks of it.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from acyclome.core.data.problem import Problem


class LocalScore(Protocol):
    """A score of a gene and its parents; lower is better."""

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of parents of gene ``j``, all of one size, ``(s, p) -> (s,)``."""

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is as one more parent of ``j``, ``(len(others),)``; higher is better."""


class ScoreCost(NamedTuple):
    """What a structural model takes, for the estimate.

    ``per_gene`` are bytes beside the moments, ``score`` multiplications to score one set of three parents, ``per_pair``
    those of the screening per pair of genes.
    """

    per_gene: float
    score: float
    per_pair: float


class HeldOut(Protocol):
    """What says how probable observations are that were not fitted."""

    def held_out(self, j: int, parents: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density of gene ``j`` in the rows ``test``, fitted to its own among the rows ``train`` alone, ``(t,)``.

        Nats per observation, on the scale of :mod:`acyclome.models.held_out`.  Functions of the parents, such as their
        terms, may come from all rows, since they know nothing of gene ``j``.
        """


class LocalModel(HeldOut, Protocol):
    """A structural model on given data: scores of a gene and its parents, and what the fit of a chosen set says.

    ``scores`` are minus log (marginal) likelihoods over that of no parents, so that no parents give 0, with everything
    that flexibility costs; what the choice among many genes costs (``gamma log p`` per parent) is added by the search.
    The equation of a gene is fitted to its own observations, in which it was no target; nobody asks for one with fewer
    than ``LEAST_OWN`` of them.  All methods are called from several threads at once, for different genes, and give the
    same bits in any order.
    """

    @property
    def basis(self) -> np.ndarray | None:
        """What :meth:`StructuralModel.expand` gives."""

    def scores(self, j: int, sets: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`LocalScore.scores`, fitted to the gene's own among the observations ``rows``, all if None."""

    def promise(self, j: int, parents: np.ndarray, others: np.ndarray) -> np.ndarray:
        """As :meth:`LocalScore.promise`."""

    def residual(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return what parents ``(p,)`` leave of gene ``j``, ``(n,)`` float32, zero where the gene was a target.

        In standard deviations of the gene's own observations.
        """

    def weights(self, j: int, parents: np.ndarray) -> np.ndarray:
        """Return the weight of the edge from each of the parents ``(p,)`` to gene ``j``, ``(p,)``.

        The slope of the fitted function on average, or of the best line, in standard deviations of either gene's own
        observations.  A signed edge has to have its sign.
        """


class StructuralModel(Protocol):
    """A structural model: what functions and noise a gene may have. Settings only, frozen.

    Data come as :class:`~acyclome.core.data.moments.Moments`: ``Z``, genes of mean 0 and mean square 1, is what
    screening sees and what most models fit.  A model that fits something else, such as counts, reads it with
    ``data.read(a, b)``: the genes as they were before they were standardized, of the same observations.
    """

    def expand(self, problem: Problem) -> np.ndarray | None:
        """Expand every gene into terms by which parents are screened, ``(d, terms, n)`` float32; None: lines do.

        Rows have mean 0 and mean square 1, those of a gene are orthogonal; a row may be zero.
        """

    def prepare(self, problem: Problem, seed: int) -> LocalModel:
        """Make ready to score sets of parents."""

    def cost(self, n_obs: int) -> ScoreCost:
        """Say what the model takes with so many observations."""
