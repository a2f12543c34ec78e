"""Preparation on an AnnData."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.knowledge.regulators import listed_regulators
from acyclome.notebook import speaks_python, tell
from acyclome.options.sections import Input

if TYPE_CHECKING:
    from anndata import AnnData

_MOVES_OBSERVATIONS = {  # what does the same outside, for a layer has the observations of its object
    "group": "adata[adata.obs[column] == label].copy()",
    "pseudobulk_by": "scanpy.get.aggregate(adata, by=column, func='sum')",
    "missing": "adata[~numpy.isnan(adata.X).any(axis=1)].copy()",
    "metacells": "acyclome.prepare.prepare(adata, config), which returns a matrix of its own",
}
_STAYS = {"missing": ("refuse", "drop-genes", "impute")}  # values that leave the observations as they are


__all__ = ["prepare"]


@speaks_python
def prepare(
    adata: AnnData,
    *,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    copy: bool = False,
    **options: Any,
) -> AnnData | None:
    """Write the matrix to learn from into ``layers["dag_input"]``; observations and genes all stay.

    Genes that are left out are zero there and False in ``var["dag_used"]``; ``uns["dag_prepare"]`` records every step.

    Parameters
    ----------
    regulators
        Genes, their file, ``"human"`` or ``"mouse"``, that stay beside the ``n_top_genes`` most variable ones, as those
        do that ``perturbation`` names.
    copy
        Return a new object and leave `adata` as it is.
    options
        Options of the sections input (``layer``, ``genes_as``, ``gene_names``, ``group_by``, ``joint``,
        ``perturbation``, ``control``) and prepare (``min_cells``, ``missing``, ``normalize``, ``target_sum``, ``log``,
        ``n_top_genes``, ``covariates``, ``transform``): ``covariates=["batch"]``, ``min_cells=5``.

    Raises
    ------
    InputError
        If an option is unknown or would change the observations, or the matrix or the list cannot be used.

    Examples
    --------
    >>> ac.pp.prepare(adata, layer="counts", covariates=["batch"])
    >>> adata.uns["dag_prepare"]["steps"][-1]
    'covariates: residuals of least squares on batch'
    >>> ac.tl.dag(adata, layer="dag_input", key_added="without_batch")
    """
    import numpy as np
    import scipy.sparse as sp

    from acyclome.io.atomic import plain
    from acyclome.io.keys import check_changeable, check_genes
    from acyclome.prepare import prepare as prepare_matrix
    from acyclome.prepare.checks import check_upright

    check_changeable(adata, copy=copy)
    check_upright(adata)
    moving = [name for name in _MOVES_OBSERVATIONS if options.get(name) not in (None, *_STAYS.get(name, ()))]
    if moving:
        msg = f"{moving[0]} changes the observations, so a layer cannot hold it. Use {_MOVES_OBSERVATIONS[moving[0]]}."
        raise InputError(msg)
    at = {name: f"{'input' if name in Input.model_fields else 'prepare'}.{name}" for name in options}
    config = Config().with_options({at[name]: value for name, value in options.items()})
    done = prepare_matrix(adata, config, regulators=listed_regulators(regulators))
    check_genes(adata, done.genes)
    index = adata.var_names.get_indexer(done.genes)
    # A product puts every gene into its column, and keeps sparse values sparse.
    into = sp.csr_matrix((np.ones(len(index), np.float32), (np.arange(len(index)), index)), (len(index), adata.n_vars))
    for text in done.facts["warnings"]:
        tell(text)
    target = adata.copy() if copy else adata
    layer = done.X.T @ into
    target.layers["dag_input"] = layer.tocsr() if sp.issparse(layer) else np.ascontiguousarray(layer)
    target.var["dag_used"] = np.isin(np.arange(adata.n_vars), index)
    target.uns["dag_prepare"] = {key: plain(value) for key, value in done.facts.items() if key != "steps"}
    # Texts, for h5ad holds no list of dictionaries.
    target.uns["dag_prepare"]["steps"] = [f"{step['step']}: {step['what']}" for step in done.facts["steps"]]
    return target if copy else None


def _signature() -> inspect.Signature:
    """Return the signature of :func:`prepare` with its options by name, as notebooks complete them."""
    given = inspect.signature(prepare)
    of_sections = Config().input.model_dump() | Config().prepare.model_dump()
    named = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in of_sections.items()
        if name not in _MOVES_OBSERVATIONS or name in _STAYS
    ]
    kept = [parameter for parameter in given.parameters.values() if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    return given.replace(parameters=[*kept, *named])


vars(prepare)["__signature__"] = _signature()


def __dir__() -> list[str]:
    return __all__
