"""What a search finds: a weighted directed acyclic graph and the order that certifies it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dag:
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
    rest
        ``(d,)`` float64, share of variance that the parents leave.
    score
        Sum of the genes' scores; lower is better.
    settled_score
        The same before the neighborhoods were shaken.
    turning_loss, is_free
        ``(m,)`` score lost by turning each edge, and whether the data leave its direction open, from searches whose
        score decides directions; None from the linear one, where the equivalence class does.
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    loss: np.ndarray
    order: np.ndarray
    rest: np.ndarray
    score: float
    settled_score: float
    turning_loss: np.ndarray | None = None
    is_free: np.ndarray | None = None
