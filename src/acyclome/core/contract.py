"""What a family of structural models offers, whatever its functions and its noise.

The models themselves, and the cards that name them, are in ``acyclome.models``; nothing here knows one.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from acyclome.core.data.moments import Moments


class LocalScore(Protocol):
    """A score of a gene and its causes; lower is better."""

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, all of one size, ``(s, p) -> (s,)``."""
        ...

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is as one more cause of ``j``, ``(len(others),)``; higher is better."""
        ...


class Cost(NamedTuple):
    """What a family takes, for the estimate.

    Parameters
    ----------
    held
        Bytes per gene, beside the moments.
    score
        Multiplications to score one set of three causes.
    spread
        Multiplications of the screening per pair of genes.
    """

    held: float
    score: float
    spread: float


class HeldOut(Protocol):
    """What says how probable observations are that were not fitted."""

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Log density of gene ``j`` in the rows ``test``, fitted to the rows ``train`` alone, ``(t,)``.

        Nats per observation, on the scale of :mod:`acyclome.models.held_out`.  Functions of the causes, such as
        their terms, may come from all rows, since they know nothing of gene ``j``.
        """
        ...


class Local(LocalScore, Protocol):
    """A family on given data: scores of a gene and its causes, and what the fit of a chosen set says.

    ``scores`` are minus log (marginal) likelihoods over that of no causes, so that no causes give 0, with everything
    that flexibility costs; what the choice among many genes costs (``gamma log p`` per cause) is added by the search.
    All methods are called from several threads at once, for different genes, and give the same bits in any order.
    """

    @property
    def basis(self) -> np.ndarray | None:
        """What :meth:`Family.expand` gives."""
        ...

    def residual(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return what causes ``(p,)`` leave of gene ``j``, ``(n,)`` float32, in the units of ``Z``."""
        ...

    def weights(self, j: int, causes: np.ndarray) -> np.ndarray:
        """Return the weight of the edge from each of the causes ``(p,)`` to gene ``j``, ``(p,)``, signed."""
        ...

    def held_out(self, j: int, causes: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """As :meth:`HeldOut.held_out`."""
        ...


class Family(Protocol):
    """A structural model: what functions and noise a gene may have. Settings only, frozen.

    Data come as :class:`Moments`: ``Z``, genes of mean 0 and mean square 1, is what screening sees and what most
    families fit.  A family that fits something else, such as counts, reads it with ``moments.read(a, b)``: the genes
    as they were before they were standardized, of the same observations.
    """

    def expand(self, moments: Moments, threads: int) -> np.ndarray | None:
        """Expand every gene into terms by which causes are screened, ``(d, terms, n)`` float32; None: lines are enough.

        Rows have mean 0 and mean square 1, those of a gene are orthogonal; a row may be zero.
        """
        ...

    def prepare(self, moments: Moments, seed: int, threads: int) -> Local:
        """Make ready to score sets of causes."""
        ...

    def cost(self, n_obs: int) -> Cost:
        """Say what the family takes with so many observations."""
        ...
