"""The method as CausalBench calls one: a matrix, a label for each cell, and a list of pairs in return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.errors import InputError
from acyclome.pipeline.learn import learn
from acyclome.wording import plural

CONTROL, EXCLUDED = "non-targeting", "excluded"  # labels of CausalBench beside names of genes


@dataclass(frozen=True)
class Acyclome:
    """A model of CausalBench (``AbstractInferenceModel`` by its signature, without importing it).

    Parameters
    ----------
    edges
        Pairs at most, best first; None for all edges of the network.
    threads
        Processors to use.

    Examples
    --------
    >>> from acyclome.pipeline.causalbench import Acyclome
    >>> Acyclome(edges=1)(X, ["non-targeting"] * len(X), genes)
    [('KLF1', 'HBB')]
    """

    edges: int | None = None
    threads: int = 1

    def __call__(
        self,
        expression_matrix: np.ndarray,
        interventions: Sequence[str],
        gene_names: Sequence[str],
        training_regime: Any = None,
        seed: int = 0,
    ) -> list[tuple[str, str]]:
        """Return the edges that the cells give.

        Parameters
        ----------
        expression_matrix
            Normalized expression, cells x genes.
        interventions
            For each cell a gene, ``non-targeting`` or ``excluded``; cells of the last take no part.
        gene_names
            Names of the columns.
        training_regime
            Which interventions there are; the labels say it, so it is not read.
        seed
            Of the network.

        Returns
        -------
        Pairs of source and target, best first.

        Raises
        ------
        InputError
            If there is not a label for each cell, or values cannot be learned from.
        """
        labels = np.asarray(interventions, dtype=object)
        if len(labels) != len(expression_matrix):
            msg = (
                f"interventions holds {plural(len(labels), 'label')} for {plural(len(expression_matrix), 'cell')}; "
                "give one for each."
            )
            raise InputError(msg)
        kept = labels != EXCLUDED
        told = ["" if label == CONTROL else str(label) for label in labels[kept]]
        network = learn(
            np.asarray(expression_matrix)[kept],
            list(gene_names),
            perturbation=told if any(told) else None,
            n_resamples=0,
            random_state=seed,
            threads=self.threads,
        )
        best = network.edges[["source", "target"]].head(self.edges or network.n_edges)
        return list(best.itertuples(index=False, name=None))
