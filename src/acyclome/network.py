"""A causal network in memory: its edges, the ranking of all candidate edges, its genes, and the facts of the run.

The certificate that the graph has no cycle is an order of the genes in which every edge points forward. It is checked
when a :class:`Network` is made, so every network that exists is a DAG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from acyclome import _explain
from acyclome._tables import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    RANKING_COLUMNS,
    best_first,
    check_nodes,
    check_pairs,
    with_columns,
)
from acyclome.errors import InputError

__all__ = ["EDGE_COLUMNS", "NODE_COLUMNS", "RANKING_COLUMNS", "Network", "best_first", "build_network", "node_table"]


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A DAG over genes with a weight and a confidence on every edge.

    Parameters
    ----------
    edges
        One row per edge, best first, with the columns of ``EDGE_COLUMNS``. ``weight`` is the change of the target, in
        standard deviations, per standard deviation of the source, its other causes held.
    ranking
        One row per candidate edge, acyclic or not, with ``rank_score``; best first.
    nodes
        One row per gene with the columns of ``NODE_COLUMNS``; ``order`` is the certificate.
    facts
        What the run recorded (the content of ``run.json``).

    Raises
    ------
    InputError
        If a column is missing, a gene unknown or repeated, an edge repeated, or an edge points against the order.
    """

    edges: pd.DataFrame
    ranking: pd.DataFrame
    nodes: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, columns in (("edges", EDGE_COLUMNS), ("ranking", RANKING_COLUMNS), ("nodes", NODE_COLUMNS)):
            object.__setattr__(self, name, with_columns(getattr(self, name), name, columns))
        check_nodes(self.nodes)
        check_pairs(self.edges, "edges", self.nodes)
        check_pairs(self.ranking, "ranking", self.nodes)
        if not self.is_dag:
            raise InputError(_against_the_order(self))

    def __repr__(self) -> str:
        return f"Network of {len(self.genes)} genes and {self.n_edges} edges"

    @cached_property
    def genes(self) -> list[str]:
        """Names of the genes, in the order of the input's columns."""
        return self.nodes["gene"].tolist()

    @cached_property
    def order(self) -> np.ndarray:
        """Index of the gene at each position of the order, (d,) int32."""
        return np.argsort(self.nodes["order"].to_numpy(), kind="stable").astype(np.int32)

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @cached_property
    def is_dag(self) -> bool:
        """Whether every edge points forward in the order."""
        position = self.nodes["order"].to_numpy()
        return bool(np.all(position[self.source] < position[self.target]))

    @cached_property
    def source(self) -> np.ndarray:
        """Index of the cause of each edge, (m,) int32."""
        return self._index(self.edges["source"])

    @cached_property
    def target(self) -> np.ndarray:
        """Index of the effect of each edge, (m,) int32."""
        return self._index(self.edges["target"])

    def matrix(self, column: str = "weight") -> sparse.csr_matrix:
        """Return one number per edge as a matrix, (d, d) float64: row = source, column = target."""
        if column not in EDGE_COLUMNS or EDGE_COLUMNS[column] is str:
            numbers = [name for name, kind in EDGE_COLUMNS.items() if kind is not str]
            msg = f"{column!r} is no column of numbers of the edges; choose one of {', '.join(numbers)}"
            raise InputError(msg)
        values = self.edges[column].to_numpy(dtype=float)
        return sparse.csr_matrix((values, (self.source, self.target)), shape=(len(self.genes), len(self.genes)))

    def parents(self, gene: str) -> pd.DataFrame:
        """Return the edges into `gene`, best first."""
        return self._edges_at("target", gene)

    def children(self, gene: str) -> pd.DataFrame:
        """Return the edges out of `gene`, best first."""
        return self._edges_at("source", gene)

    def explain(self, gene: str, limit: int = 15) -> str:
        """Return a page of text on one gene: its causes, its effects, and how to read them.

        Raises
        ------
        InputError
            If the gene is not in the network; names that look alike are offered.
        """
        causes, effects = self.parents(gene), self.children(gene)
        node = self.nodes.iloc[self.genes.index(gene)]
        return _explain.page(node, causes, effects, self.nodes, limit)

    def _edges_at(self, end: str, gene: str) -> pd.DataFrame:
        if gene not in self._position:
            raise InputError(_explain.unknown_gene(gene, self.genes))
        return self.edges[self.edges[end] == gene].reset_index(drop=True)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {gene: index for index, gene in enumerate(self.genes)}

    def _index(self, names: pd.Series) -> np.ndarray:
        return np.array([self._position[name] for name in names], dtype=np.int32)


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
    prior: np.ndarray | None = None,
    is_regulator: np.ndarray | None = None,
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
    edges = pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "weight": weight,
            "sign": np.where(weight >= 0, "+", "-").astype(object),
            "score": _or_empty(score, m),
            "stability": _or_empty(stability, m),
            "direction": _or_empty(direction, m),
            "reversible": np.zeros(m, dtype=bool) if reversible is None else np.asarray(reversible, dtype=bool),
            "reversal_loss": _or_empty(reversal_loss, m),
            "settled": np.zeros(m, dtype=bool) if settled is None else np.asarray(settled, dtype=bool),
            "prior": np.full(m, "", dtype=object) if prior is None else np.asarray(prior, dtype=object),
        }
    )
    ranking = pd.DataFrame(
        {
            "source": names[ranking_source],
            "target": names[ranking_target],
            "rank_score": np.asarray(rank_score, dtype=float),
        }
    )
    nodes = node_table(names, source, target, order)
    nodes["is_regulator"] = True if is_regulator is None else np.asarray(is_regulator, dtype=bool)
    nodes["r2"], nodes["noise_scale"] = np.asarray(r2, dtype=float), np.asarray(noise_scale, dtype=float)
    return Network(best_first(edges), best_first(ranking), nodes, dict(facts or {}))


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


def _against_the_order(network: Network) -> str:
    position = network.nodes["order"].to_numpy()
    wrong = position[network.source] >= position[network.target]
    row = network.edges[wrong].iloc[0]
    return (
        f"{int(wrong.sum())} of {network.n_edges} edges point against the order, such as "
        f"{row['source']} -> {row['target']}. A causal network must be a DAG whose order certifies it; "
        "drop these edges or correct the column order of nodes."
    )
