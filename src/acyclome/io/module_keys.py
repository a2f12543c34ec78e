"""Modules inside AnnData objects: tables in ``uns``, activities in ``obsm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.errors import InputError
from acyclome.io.keys import read_keys
from acyclome.network.modules import (
    MODULE_COLUMNS,
    MODULE_EDGE_COLUMNS,
    MODULE_PATH_COLUMNS,
    ModuleNetwork,
)

if TYPE_CHECKING:
    from anndata import AnnData

TABLES = {"modules": MODULE_COLUMNS, "edges": MODULE_EDGE_COLUMNS, "path": MODULE_PATH_COLUMNS}


def write_modules(adata: AnnData, found: ModuleNetwork, key: str) -> None:
    """Write tables under ``uns[KEY_modules]``, activities under ``obsm``; nan where nothing was learned from."""
    tables = {name: getattr(found, name).reset_index(drop=True) for name in TABLES}
    # Row numbers as text, as h5ad keeps them.
    adata.uns[f"{key}_modules"] = {name: table.set_axis(table.index.astype(str)) for name, table in tables.items()}
    if found.activity is not None:
        activity = found.activity.reindex(adata.obs_names.astype(str)).to_numpy(np.float32)
        adata.obsm[f"{key}_modules"] = activity


def read_modules(adata: AnnData, key: str) -> ModuleNetwork:
    """Return what :func:`write_modules` has written; an InputError says how modules are learned."""
    held = adata.uns.get(f"{key}_modules")
    if not isinstance(held, dict) or set(held) != set(TABLES):
        msg = f"adata.uns has no {key + '_modules'!r}. Learn the modules first: ac.tl.modules(adata, key={key!r})."
        raise InputError(msg)
    modules, edges, path = (held[name].reset_index(drop=True)[list(kinds)] for name, kinds in TABLES.items())
    return ModuleNetwork(modules, edges, path, read_keys(adata, key).symbols if key in adata.uns else {})
