"""Genes that a run is told of: they stay among the most variable ones, however little they vary.

Regulators are seldom the genes that vary most, and a cause that is left out joins its targets to one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.config import Config
from acyclome.knowledge.labels import LabelColumn
from acyclome.knowledge.regulators import Regulators, find_regulators
from acyclome.prepare.matrix import Draft
from acyclome.prepare.symbols import find_symbols

if TYPE_CHECKING:
    from anndata import AnnData


def named_genes(adata: AnnData, draft: Draft, config: Config, *, regulators: Regulators | None = None) -> np.ndarray:
    """Return which genes ``(d,)`` of a draft are on the list of regulators, or targets of a perturbation.

    ``regulators`` go over the list of the options.  Nothing is looked up where all genes are kept.
    """
    named = np.zeros(draft.n_vars, bool)
    if config.prepare.n_top_genes is None:
        return named
    genes, asked = [str(gene) for gene in draft.genes], config.input
    symbols = find_symbols(adata, asked, genes)
    if regulators is not None or config.knowledge.regulators is not None:
        named |= find_regulators(genes, regulators, config.knowledge.regulators, symbols=symbols)[0]
    if asked.perturbation is not None and asked.perturbation in draft.obs:
        labels = LabelColumn.read(draft.obs[asked.perturbation], asked.control, genes=genes, symbols=symbols)
        named |= np.isin(genes, list(labels.targets))
    return named
