"""Other observations, few as they may be, prepared as those that a network was learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.choice import choose_matrix
from acyclome.io.matrices import get_matrix, to_memory
from acyclome.io.objects import check_anndata
from acyclome.prepare.checks import check_names
from acyclome.prepare.genes import normalize, take_log
from acyclome.prepare.matrix import Draft, dense, gene_major

if TYPE_CHECKING:
    from anndata import AnnData


def prepare_alike(adata: AnnData, facts: Mapping[str, Any], genes: list[str]) -> pd.DataFrame:
    """Return observations x those of ``genes`` that are there, scaled to a total and as logarithms as the others were.

    ``facts`` are those of the network; ``attrs`` say whether it was learned from ranks of these values. Nothing is
    filtered, and covariates are not taken out.

    Raises
    ------
    InputError
        If there are no observations, or the network was learned from counts or latent scores, whose units depend on all
        observations.
    """
    check_anndata(adata, "before or after")
    config = Config.from_mapping(facts.get("config", {}))
    steps = {step["step"]: step for step in facts.get("prepare", {}).get("steps", [])}
    if config.counts is not None or config.prepare.transform == "latent":
        msg = (
            "This network was learned from counts or latent scores, in whose units other observations have no values. "
            "Run again with --prepare.transform none and a model of lines or curves."
        )
        raise InputError(msg)
    if not adata.n_obs:
        msg = "There are no observations before or after. Expected at least one of both; was the right part chosen?"
        raise InputError(msg)
    chosen = choose_matrix(adata, config.input.layer).facts
    values, names = get_matrix(adata, chosen.name)
    check_names(names)
    draft = Draft(gene_major(to_memory(values, None)), np.asarray(names, dtype=object), adata.obs, chosen.kind)
    target = steps.get("normalize", {}).get("target_sum")
    options = config.prepare.model_copy(
        update={"normalize": target is not None, "target_sum": target, "log": "log" in steps}
    )
    draft = take_log(normalize(draft, options), options)
    place = {gene: k for k, gene in enumerate(draft.genes)}
    kept = [gene for gene in genes if gene in place]
    table = pd.DataFrame(dense(draft.X[[place[gene] for gene in kept]]).T, columns=kept)
    amounts = [gene for gene in facts.get("model", {}).get("amounts", {}).get("genes", []) if gene in place]
    table[amounts] = np.log1p(np.maximum(table[amounts].to_numpy(float), 0.0))  # none was below zero
    table.attrs["ranked"] = str(steps.get("transform", {}).get("what", "")).startswith("ranks")
    return table
