"""Where the genes stand on the map of the whole network: near those that they share edges with."""

from __future__ import annotations

import random

import numpy as np

# Of the layout; at 10,000 genes and 19,000 edges 500 took five times as long, and modules stood apart as clearly.
EPOCHS = 100
APART = 0.5  # least distance that is aimed at; with .01 modules were dots on one another
INNER = (0.5, 99.5)  # percentiles that fill the map: a few pieces of the graph that float far away do not shrink it
BEYOND = 1.5  # how far these may stand out of it


def positions(source: np.ndarray, target: np.ndarray, n_genes: int, *, seed: int) -> np.ndarray:
    """Return a place for each gene, (d, 2), mostly from -1 to 1; NaN for a gene without an edge.

    Attraction along edges and repulsion of others by stochastic gradients (UMAP, McInnes, Healy and Melville 2018), as
    igraph has it: seconds at 10,000 genes, where layouts by springs took as long and showed no modules.
    """
    import igraph

    placed = np.full((n_genes, 2), np.nan)
    joined, ends = np.unique(np.column_stack([source, target]), return_inverse=True)
    if not len(joined):
        return placed
    graph = igraph.Graph(len(joined), ends.reshape(-1, 2).tolist())
    igraph.set_random_number_generator(random.Random(seed))
    try:
        found = np.array(graph.layout_umap(epochs=EPOCHS, min_dist=APART).coords)
    finally:
        igraph.set_random_number_generator(random)
    low, high = np.percentile(found, INNER, axis=0)
    room = max(float((high - low).max()), 1e-9)  # the same scale across and up
    placed[joined] = np.clip((found - (low + high) / 2) / (room / 2), -BEYOND, BEYOND)
    return placed
