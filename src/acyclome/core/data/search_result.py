"""What a search finds: a weighted directed acyclic graph, the order that certifies it, and its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from acyclome.core.relaxation.relax import Relaxation


@dataclass(frozen=True)
class SearchResult:
    """A weighted DAG with its certificate.

    Parameters
    ----------
    source, target
        ``(m,)`` int32; every source stands before its target in ``order``.
    weight
        ``(m,)`` float64, effect of the source on the target in standard deviations.
    loss
        ``(m,)`` float64, log-likelihood lost when the edge is taken out and its target is fitted anew.
    order
        ``(d,)`` int32, genes from first to last.
    residual
        ``(d,)`` float64, share of variance that the parents leave.
    score
        Sum of the genes' scores; lower is better.
    score_at_local_optimum
        The same before any perturbation.
    reversal_loss, reversible
        ``(m,)`` score lost by turning each edge, and whether the data leave its direction open, from searches whose
        score decides directions; None from the order search, where the equivalence class does.
    intervention_gain
        ``(m,)`` what of ``reversal_loss`` interventions bring.
    pruned
        Edges that were left out since an error in a common cause explains them.
    refined
        Whether the likelihood of what is measured with error had the last word.
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    order: np.ndarray
    residual: np.ndarray
    score: float
    score_at_local_optimum: float
    reversal_loss: np.ndarray | None = None
    reversible: np.ndarray | None = None
    relaxation: Relaxation | None = None
    intervention_gain: np.ndarray | None = None
    pruned: int = 0
    refined: bool = False

    @property
    def n_edges(self) -> int:
        return len(self.source)

    @property
    def n_genes(self) -> int:
        return len(self.order)
