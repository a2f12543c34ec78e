"""Parts of a network: some of its genes, edges out of some, edges of enough confidence."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from acyclome.errors import InputError
from acyclome.io.packed import pack, unpack
from acyclome.network import NODE_COLUMNS, Network
from acyclome.network.build import node_table
from acyclome.wording import plural


def subset(
    network: Network,
    *,
    genes: Collection[str] | None = None,
    sources: Collection[str] | None = None,
    min_score: float | None = None,
) -> Network:
    """Return the network among `genes`, with the edges out of `sources` whose score is `min_score` or more.

    Order, depth and degrees of genes are those of what is left, the ranking has its pairs. Genes that lose all edges go
    too, unless `genes` names them. Where edges are chosen the resamples stay behind, which have others.

    Raises
    ------
    InputError
        If nothing is left, or a score is asked of a network that has none.
    """
    if min_score is not None and network.n_edges and network.edges["score"].isna().all():
        msg = "The edges of this network have no score, so none can be left out by it. Leave --min-confidence out."
        raise InputError(msg)
    part = network if genes is None else _among(network, np.isin(network.genes, list(genes)))
    if sources is not None or min_score is not None:
        part = _with_edges(part, sources, min_score)
    if genes is None and part is not network:
        part = _among(part, np.isin(part.genes, [*part.edges["source"], *part.edges["target"]]))
    if not part.genes:
        msg = f"None of the {plural(network.n_edges, 'edge')} is left. Ask for less confidence, or for more genes."
        raise InputError(msg)
    return part


def _among(network: Network, kept: np.ndarray) -> Network:
    numbers, names = np.arange(len(network.genes)), np.array(network.genes, dtype=object)
    return unpack(pack(network, numbers), names[kept], kept)


def _with_edges(network: Network, sources: Collection[str] | None, min_score: float | None) -> Network:
    edges, ranking = network.edges, network.ranking
    if sources is not None:
        edges, ranking = (table[table["source"].isin(sources)] for table in (edges, ranking))
    if min_score is not None:
        edges = edges[edges["score"] >= min_score]  # NaN is not
        left = set(zip(edges["source"], edges["target"], strict=True))
        ranking = ranking[[pair in left for pair in zip(ranking["source"], ranking["target"], strict=True)]]
    at = {gene: number for number, gene in enumerate(network.genes)}
    ends = [edges[end].map(at).to_numpy(np.int64) for end in ("source", "target")]
    told = node_table(np.array(network.genes, dtype=object), *ends, order=network.order)
    nodes = network.nodes.assign(**{str(name): told[name] for name in told})[list(NODE_COLUMNS)]
    return replace(network, edges=edges, ranking=ranking, nodes=nodes, members=None)
