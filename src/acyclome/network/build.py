"""From the arrays of the core to a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from acyclome.errors import InputError
from acyclome.network import Network, best_first


def build_network(
    genes: Sequence[str],
    source: np.ndarray,  # (m,) index of the cause
    target: np.ndarray,  # (m,) index of the effect
    weight: np.ndarray,  # (m,) standardised effect
    order: np.ndarray,  # (d,) gene at each position
    *,
    ranking_source: np.ndarray,  # (c,)
    ranking_target: np.ndarray,  # (c,)
    rank_score: np.ndarray,  # (c,)
    r2: np.ndarray,  # (d,)
    noise_scale: np.ndarray,  # (d,)
    stability: np.ndarray | None = None,
    direction: np.ndarray | None = None,
    score: np.ndarray | None = None,
    reversal_loss: np.ndarray | None = None,
    reversible: np.ndarray | None = None,
    settled: np.ndarray | None = None,
    noise_evidence: np.ndarray | None = None,
    prior: np.ndarray | None = None,
    is_regulator: np.ndarray | None = None,
    lowest: np.ndarray | None = None,
    members: pd.DataFrame | None = None,
    effects: pd.DataFrame | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Network:
    """Make a :class:`Network` from the arrays of the core.

    Edge arrays left out become empty columns (``reversible``, ``settled``: false); without a list every gene is a
    regulator.

    Raises
    ------
    InputError
        If `order` is not a permutation of the genes or an edge points against it.
    """
    names = np.asarray(genes, dtype=object)
    weight, m = np.asarray(weight, dtype=float), len(source)
    flags = {"reversible": reversible, "settled": settled}
    numbers = {
        "score": score,
        "stability": stability,
        "direction": direction,
        "reversal_loss": reversal_loss,
        "noise_evidence": noise_evidence,
    }
    edges = pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "weight": weight,
            "sign": np.where(weight >= 0, "+", "-").astype(object),
            **{name: np.zeros(m, bool) if of is None else np.asarray(of, bool) for name, of in flags.items()},
            **{name: _or_empty(of, m) for name, of in numbers.items()},
            "prior": np.full(m, "", dtype=object) if prior is None else np.asarray(prior, dtype=object),
        }
    )
    ranking = pd.DataFrame({"source": names[ranking_source], "target": names[ranking_target]})
    ranking["rank_score"] = np.asarray(rank_score, dtype=float)
    nodes = node_table(names, source, target, order)
    nodes["is_regulator"] = True if is_regulator is None else np.asarray(is_regulator, dtype=bool)
    nodes["r2"], nodes["noise_scale"] = np.asarray(r2, dtype=float), np.asarray(noise_scale, dtype=float)
    nodes["lowest"] = _or_empty(lowest, len(nodes))
    return Network(best_first(edges), best_first(ranking), nodes, dict(facts or {}), members, effects)


def node_table(names: np.ndarray, source: np.ndarray, target: np.ndarray, order: np.ndarray) -> pd.DataFrame:
    """Return the columns of nodes that follow from the graph and its order: gene, order, depth and degrees.

    Raises
    ------
    InputError
        If `order` is not a permutation of the genes.
    """
    d = len(names)
    order = np.asarray(order)
    if not np.array_equal(np.sort(order), np.arange(d)):
        msg = f"The order ({len(order)} entries) is not a permutation of the {d} genes, so it cannot certify a network."
        raise InputError(msg)
    position = np.empty(d, dtype=np.int64)
    position[order] = np.arange(d)
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
    forward = np.argsort(position[source], kind="stable")
    for cause, effect in zip(source[forward].tolist(), target[forward].tolist(), strict=True):
        depth[effect] = max(depth[effect], depth[cause] + 1)
    return np.array(depth, dtype=np.int64)


def _or_empty(values: np.ndarray | None, m: int) -> np.ndarray:
    return np.full(m, np.nan) if values is None else np.asarray(values, dtype=float)
