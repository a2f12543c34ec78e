"""Modules inside AnnData objects: tables in ``uns``, activities in ``obsm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.errors import InputError
from acyclome.io.keys import modules_key, read_keys
from acyclome.io.objects import check_anndata
from acyclome.network.modules import (
    MODULE_COLUMNS,
    MODULE_EDGE_COLUMNS,
    MODULE_PATH_COLUMNS,
    ModuleNetwork,
)

if TYPE_CHECKING:
    from anndata import AnnData

TABLES = {"modules": MODULE_COLUMNS, "edges": MODULE_EDGE_COLUMNS, "path": MODULE_PATH_COLUMNS}


def write_modules(adata: AnnData, found: ModuleNetwork, key: str, group: str | None = None) -> None:
    """Write tables under ``uns[KEY_modules]``, activities under ``obsm``; nan where nothing was learned from."""
    tables, name = {part: getattr(found, part).reset_index(drop=True) for part in TABLES}, modules_key(key, group)
    # Row numbers as text, as h5ad keeps them.
    adata.uns[name] = {part: table.set_axis(table.index.astype(str)) for part, table in tables.items()}
    if found.activity is not None:
        adata.obsm[name] = found.activity.reindex(adata.obs_names.astype(str)).to_numpy(np.float32)


def read_modules(adata: AnnData, key: str, group: str | None = None) -> ModuleNetwork:
    """Return what :func:`write_modules` has written; an InputError says how modules are learned."""
    check_anndata(adata)
    name = modules_key(key, group)
    held = adata.uns.get(name)
    if not isinstance(held, dict) or set(held) != set(TABLES):
        network = read_keys(adata, key, group)  # refuses a group that is not there, or that is missing
        given = f"key={key!r}" if group is None else f"key={key!r}, group={group!r}"
        msg = f"adata.uns has no {name!r}, for its {network!r}. Learn the modules: ac.tl.modules(adata, {given})."
        raise InputError(msg)
    modules, edges, path = (held[name].reset_index(drop=True)[list(kinds)] for name, kinds in TABLES.items())
    return ModuleNetwork(modules, edges, path, read_keys(adata, key, group).symbols if key in adata.uns else {})
