"""What was handed to a door of Python: an AnnData, a network, or something that goes in by another door."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from acyclome.errors import InputError
from acyclome.network import Network

_OF_ARRAYS = "acyclome.learn(X, genes) learns from arrays and tables, and its network has the tables: net.edges."


def check_anndata(given: Any, name: str = "adata") -> None:
    """Raise an InputError, which names the door that takes it, unless an AnnData object was given."""
    if isinstance(getattr(given, "mod", None), Mapping):
        parts = ", ".join(map(repr, given.mod))
        msg = f"{name} is a MuData of {parts}; expected the AnnData of one of them. Give its part: .mod[...]."
        raise InputError(msg)
    if hasattr(given, "obs_names"):
        return
    if isinstance(given, (str, os.PathLike)):
        way_out = (
            f"Read it first: anndata.read_h5ad({os.fspath(given)!r}); acyclome.read gives the network of a file or of "
            "the folder of a run."
        )
    elif isinstance(given, Network):
        way_out = "A network has its tables and predictions itself: net.edges, net.nodes, net.predict(...)."
    elif hasattr(given, "shape"):
        way_out = _OF_ARRAYS
    else:
        way_out = "Make one: anndata.AnnData(X, obs, var)."
    msg = f"{name} is {_said(given)}; expected an AnnData object, observations x genes. {way_out}"
    raise InputError(msg)


def check_network(given: Any) -> None:
    """Raise an InputError, which says where a network is to be had, unless one was given."""
    if isinstance(given, Network):
        return
    if isinstance(given, dict) and given:
        way_out = f"It holds one network per group: write each, such as networks[{next(iter(given))!r}]."
    elif hasattr(given, "obs_names"):
        way_out = "An AnnData has its own: acyclome.get.network(adata); adata.write_h5ad keeps both."
    else:
        way_out = "acyclome.learn, acyclome.read and acyclome.get.network give one."
    msg = f"network is {_said(given)}; expected a Network. {way_out}"
    raise InputError(msg)


def _said(given: Any) -> str:
    if isinstance(given, (str, os.PathLike)):
        return f"the text {os.fspath(given)!r}"
    shape = getattr(given, "shape", None)
    of = f" of shape {shape}" if isinstance(shape, tuple) else ""
    return f"of the type {type(given).__name__}{of}"
