"""Where the genes stand on the map of the whole network: near those that they share edges with."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import igraph

# Of the layout; at 10,000 genes and 19,000 edges 500 took five times as long, and modules stood apart as clearly.
EPOCHS = 100
APART = 0.5  # least distance that is aimed at; with .01 modules were dots on one another
INNER = (0.5, 99.5)  # percentiles that fill the place of a piece: a few genes that float far away do not shrink it
BEYOND = 1.2  # half sides from the middle where these stop, beside their piece: further out they would shrink the map
SPRINGS = 150  # genes of a piece up to which springs lay it out, in .1 s; it takes the third power of them
BETWEEN = 0.8  # room between two pieces; genes have one on average


def positions(source: np.ndarray, target: np.ndarray, n_genes: int, *, seed: int) -> np.ndarray:
    """Return a place for each gene, (d, 2), from -1 to 1; NaN for a gene without an edge.

    Every piece of the graph has as much room as it has genes, and pieces stand side by side, in lines, the largest
    first: apart from one another nothing tells where they belong.
    """
    import igraph

    placed = np.full((n_genes, 2), np.nan)
    joined, ends = np.unique(np.column_stack([source, target]), return_inverse=True)
    if not len(joined):
        return placed
    graph = igraph.Graph(len(joined), ends.reshape(-1, 2).tolist())
    pieces = sorted(map(np.array, graph.connected_components()), key=lambda piece: (-len(piece), piece[0]))
    sides = np.sqrt([len(piece) for piece in pieces])
    for piece, side, corner in zip(pieces, sides, _side_by_side(sides + BETWEEN), strict=True):
        placed[joined[piece]] = corner + side / 2 * (1 + _laid_out(graph.induced_subgraph(piece.tolist()), seed))
    low, high = np.nanmin(placed, axis=0), np.nanmax(placed, axis=0)
    return (placed - (low + high) / 2) / (max(float((high - low).max()), 1e-9) / 2)


def _laid_out(piece: igraph.Graph, seed: int) -> np.ndarray:
    """Return places of the genes of a connected piece, (m, 2), mostly from -1 to 1, by springs or, of many genes, UMAP.

    Springs: Kamada and Kawai 1989. UMAP (McInnes, Healy and Melville 2018): attraction along edges and repulsion of
    others by stochastic gradients, seconds at 10,000 genes, where springs took as long and showed no modules.
    """
    import igraph

    igraph.set_random_number_generator(random.Random(seed))
    try:
        by_springs = piece.vcount() <= SPRINGS
        layout = piece.layout_kamada_kawai() if by_springs else piece.layout_umap(epochs=EPOCHS, min_dist=APART)
    finally:
        igraph.set_random_number_generator(random)
    found = np.array(layout.coords)
    low, high = np.percentile(found, (0, 100) if by_springs else INNER, axis=0)
    room = max(float((high - low).max()), 1e-9)  # the same scale across and up
    return np.clip((found - (low + high) / 2) / (room / 2), -BEYOND, BEYOND)


def _side_by_side(sides: np.ndarray) -> np.ndarray:
    """Return the lower left corners, (k, 2), of squares with these sides, falling, in lines of a square page."""
    width = max(float(sides.max()), float(np.sqrt(np.sum(np.square(sides)))))
    corners, x, y, height = [], 0.0, 0.0, 0.0
    for side in sides:
        if x and x + side > width:
            x, y, height = 0.0, y + height, 0.0
        corners.append((x, y))
        x, height = x + side, max(height, side)
    return np.array(corners)
