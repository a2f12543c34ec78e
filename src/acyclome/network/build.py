"""From the arrays of the core to a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from acyclome.core.data.index_maps import inverse
from acyclome.errors import InputError
from acyclome.network import EDGE_COLUMNS, Network, best_first
from acyclome.wording import plural

UNKNOWN: dict[type, Any] = {float: np.nan, bool: False, str: ""}  # what a column holds that is left out


def build_network(
    genes: Sequence[str],
    edges: Mapping[str, np.ndarray],
    nodes: Mapping[str, np.ndarray],
    *,
    ranking: tuple[np.ndarray, np.ndarray, np.ndarray],
    members: pd.DataFrame | None = None,
    effects: pd.DataFrame | None = None,
    treatments: pd.DataFrame | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Network:
    """Make a :class:`Network` from the arrays of the core.

    Edges have ``source`` and ``target`` as indices of genes, ``weight``, ``(m,)`` each, and what is known of the other
    ``EDGE_COLUMNS``; a column left out is empty (false where it holds truth values).  Nodes have ``order``, the gene at
    each position, ``r2``, ``noise_scale``, ``(d,)`` each, and if known ``is_regulator`` (all genes are without it) and
    ``lowest``.  The ranking is source, target and score of pairs, ``(c,)`` each.
    """
    names = np.asarray(genes, dtype=object)
    source, target, weight = edges["source"], edges["target"], np.asarray(edges["weight"], float)
    ends = {"source": names[source], "target": names[target], "sign": np.where(weight >= 0, "+", "-").astype(object)}
    given = {**edges, **ends}
    table = pd.DataFrame({"weight": weight}).assign(
        **{name: given.get(name, UNKNOWN[kind]) for name, kind in EDGE_COLUMNS.items()}
    )
    ranked = pd.DataFrame({"source": names[ranking[0]], "target": names[ranking[1]], "rank_score": ranking[2]})
    about: dict[str, Any] = {"symbol": "", "is_regulator": True, "lowest": np.nan, **nodes}
    rows = node_table(names, source, target, order=about.pop("order")).assign(**about)
    return Network(best_first(table), best_first(ranked), rows, dict(facts or {}), members, effects, treatments)


def node_table(names: np.ndarray, source: np.ndarray, target: np.ndarray, *, order: np.ndarray) -> pd.DataFrame:
    """Return the columns of nodes that follow from the graph and its order: gene, order, depth and degrees."""
    d = len(names)
    order = np.asarray(order)
    if not np.array_equal(np.sort(order), np.arange(d)):
        msg = (
            f"The order ({plural(len(order), 'entry|entries')}) is not a permutation of the {d} genes, so it cannot "
            "certify a network."
        )
        raise InputError(msg)
    position = inverse(order)
    return pd.DataFrame(
        {
            "gene": names,
            "order": position,
            "depth": _depth(source, target, position),
            "in_degree": np.bincount(target, minlength=d).astype(np.int64),
            "out_degree": np.bincount(source, minlength=d).astype(np.int64),
        }
    )


def _depth(source: np.ndarray, target: np.ndarray, position: np.ndarray) -> np.ndarray:
    """Return the length of the longest path that ends in each gene, (d,); sources come before their targets."""
    depth = [0] * len(position)
    source, target = np.asarray(source, dtype=np.int64), np.asarray(target, dtype=np.int64)
    forward = np.argsort(position[source], kind="stable")  # so that the depth of a source is known when it is asked
    for cause, effect in zip(source[forward].tolist(), target[forward].tolist(), strict=True):
        depth[effect] = max(depth[effect], depth[cause] + 1)
    return np.array(depth, dtype=np.int64)
