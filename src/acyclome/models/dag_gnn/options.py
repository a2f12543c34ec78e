"""The options of model dag_gnn."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from acyclome.options.sections import Section


class DagGnn(Section):
    """The model dag_gnn: what decides, and the networks of its relaxation."""

    decides: Literal["score", "relaxation"] = "score"
    """What decides. score: the order search between genes that rising maps made normal. relaxation: DAG-GNN itself,
    from `fit.w_threshold` on; slower, and on standardised genes most of its edges are wrong."""
    hidden: int = Field(default=8, ge=1, le=100)
    """Hidden units of the relaxation's encoder and decoder. More follow maps that bend more, at more time."""
    dims: int = Field(default=1, ge=1, le=16)
    """Latent numbers a gene in the relaxation, which share one matrix of edges. Time grows with them."""
    networks: Literal["own", "shared"] = "own"
    """Networks of the relaxation. own: every gene has its encoder and decoder. shared: one of each, as in the paper,
    for genes that were all measured through one curve."""
