"""Random directed acyclic graphs over ranks: every edge (a, b) has a < b; gene names are dealt out elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Chosen by eye where no source is named; every table on hub graphs was made with them, so they stay as they are.
REGULATOR_SHARE = 0.05  # of a hub graph's genes may be causes; DREAM5 lists .056 in yeast, .074 in E. coli
LARGEST_SHARE = 0.06  # of all parent slots at most go to one regulator: about 12% of the targets, as in bacteria
POPULARITY_TAIL = 1.2  # exponent of the Pareto law of the regulators' popularity
FIRST_REGULATORS = (0.4, 0.4, 0.2)  # chances that a regulator has 0, 1, 2 parents among earlier regulators


def er_pairs(d: int, degree: float, rng: np.random.Generator) -> np.ndarray:
    """Place round(degree * d) edges uniformly over the pairs of ranks (Erdos-Renyi with a fixed number of edges)."""
    possible = d * (d - 1) // 2
    wanted = min(round(degree * d), possible)
    if 4 * wanted > possible:  # dense: draws repeat one another, and all pairs take little more memory than the edges
        low, high = np.triu_indices(d, 1)
        kept = rng.choice(possible, size=wanted, replace=False)
        return np.stack([low[kept], high[kept]], axis=1)
    key = np.empty(0, np.int64)
    while key.size < wanted:
        a, b = rng.integers(0, d, size=(2, 2 * (wanted - key.size) + 8))  # repeats and loops fall out, mostly once
        more = np.minimum(a, b) * d + np.maximum(a, b)
        key = np.concatenate([key, more[a != b]])
        key = key[np.sort(np.unique(key, return_index=True)[1])]  # in the order drawn, so that cutting is fair
    key = key[:wanted]
    return np.stack([key // d, key % d], axis=1)


def scale_free_pairs(d: int, degree: float, rng: np.random.Generator) -> np.ndarray:
    """Attach every newcomer to round(degree) earlier genes, at least 1, in proportion to 1 + their targets so far.

    Preferential attachment (Barabasi and Albert). The hubs are causes: edges run from the earlier gene to the newcomer.
    """
    each = max(1, round(degree))
    urn = [0]  # every gene once, and once more for each target: a draw is in proportion to 1 + targets
    pairs = []
    for newcomer in range(1, d):
        parents: dict[int, None] = {}
        while len(parents) < min(each, newcomer):
            parents[urn[int(rng.random() * len(urn))]] = None
        pairs += [(parent, newcomer) for parent in parents]
        urn += [*parents, newcomer]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def hub_pairs(d: int, degree: float, rng: np.random.Generator) -> np.ndarray:
    """Wire a few regulators of heavy-tailed popularity to all other genes, as gene regulation looks.

    The first `n_regulators(d)` ranks are the regulators; a regulator has 0 to 2 parents among the earlier ones, every
    other gene has 1 + a geometric number of regulators, `degree` (at least 1) in the mean before a cap at 2.5 times
    that.
    """
    r = n_regulators(d)
    popularity = _popularity(r, rng)
    pairs = []
    for j in range(1, r):
        count = min(j, int(rng.choice(3, p=FIRST_REGULATORS)))
        chance = popularity[:j] / popularity[:j].sum()
        pairs += [(i, j) for i in rng.choice(j, size=count, replace=False, p=chance)]
    cap = min(r, int(np.ceil(2.5 * degree)))  # of the causes of a gene: a geometric law has no end
    counts = np.minimum(rng.geometric(1.0 / degree, size=d - r), cap)
    parents = _without_repeats(np.cumsum(popularity), counts, rng)
    row, slot = np.nonzero(parents >= 0)
    among = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return np.concatenate([among, np.stack([parents[row, slot], row + r], axis=1)])


def n_regulators(d: int) -> int:
    """Count the regulators of a hub graph: so many ranks, from the first on, may be causes."""
    return min(d, max(2, round(REGULATOR_SHARE * d)))


def _popularity(r: int, rng: np.random.Generator) -> np.ndarray:
    """Pareto weights that sum to one, none above the cap (which few regulators cannot keep)."""
    weight = rng.pareto(POPULARITY_TAIL, size=r) + 0.05  # so that none is without a chance
    cap = max(LARGEST_SHARE, min(0.75, 3.0 / r))
    for _ in range(50):  # cutting one lowers the sum, and with it the cap of the others
        weight = np.minimum(weight, cap * weight.sum())
    return weight / weight.sum()


def _without_repeats(cumulative: np.ndarray, counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw `counts[row]` distinct columns per row, one after the other, repeats drawn again; -1 where there is none."""
    drawn = np.full((counts.size, int(counts.max(initial=0))), -1, np.int64)
    for slot in range(drawn.shape[1]):
        todo = np.flatnonzero(counts > slot)
        while todo.size:
            pick = np.searchsorted(cumulative, rng.random(todo.size) * cumulative[-1], side="right")
            drawn[todo, slot] = np.minimum(pick, cumulative.size - 1)
            todo = todo[(drawn[todo, :slot] == drawn[todo, slot, None]).any(axis=1)]
    return drawn


GRAPHS: dict[str, Callable[[int, float, np.random.Generator], np.ndarray]] = {
    "er": er_pairs,
    "scale-free": scale_free_pairs,
    "hub": hub_pairs,
}
