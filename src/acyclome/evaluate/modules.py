"""Simulated expression of modules: genes act on modules, modules on modules along a DAG, and modules on genes.

    m_k = sum_r A_rk x_r + sum_l B_lk m_l + g_k,        x_j = sum_k L_jk m_k + sum_i D_ij x_i + e_j

with modules ``m`` of variance 1 that nobody sees (the factor graphs of Lopez et al. 2022).  Every module has a
regulator of its own, a gene that nothing acts on; most other genes belong to one module, some to two, some to none, and
a few act on one another directly.  No code is shared with what learns modules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from acyclome.evaluate.graphs import er_pairs
from acyclome.evaluate.mechanisms import TINY
from acyclome.evaluate.ranges import check_number, check_range

if TYPE_CHECKING:
    import pandas as pd

_SALT = 0x30D5  # keeps these streams apart from default_rng(seed), which callers use, and from those of simulate
_STREAMS = {"graph": 1, "genes": 2, "loadings": 3, "noise": 4, "direct": 5}
NEGATIVE = 0.2  # share of the genes that a module lowers; chosen by eye


@dataclass(frozen=True)
class ModuleSimulation:
    """One simulated data set with its truth; gene g is column g of X."""

    X: np.ndarray  # (n, d), every column of mean 0 and variance 1
    genes: list[str]
    activity: np.ndarray  # (n, K) of the modules
    loadings: np.ndarray  # (d, K) what a standard deviation of each module adds to each gene, in its own ones
    source: np.ndarray  # (m,) of the edges among modules, in their order
    target: np.ndarray
    regulator: np.ndarray  # (K,) the gene that acts on each module
    direct: np.ndarray  # (e, 2) edges of genes that no module carries, source and target

    @property
    def module(self) -> np.ndarray:
        """The module of every gene, the one that explains most of it, ``(d,)``; -1 of genes without."""
        largest: np.ndarray = np.where(self.loadings.any(axis=1), np.abs(self.loadings).argmax(axis=1), -1)
        return largest

    @property
    def edges(self) -> pd.DataFrame:
        """The truth among genes, source and target by name: direct edges, and regulators with what their modules move.

        Modules are not seen, so that an edge from a regulator to a gene of its module is one among what is.
        """
        import pandas as pd

        gene, module = np.nonzero(self.loadings)
        source = np.concatenate([self.direct[:, 0], self.regulator[module]])
        target = np.concatenate([self.direct[:, 1], gene])
        names = np.array(self.genes, dtype=object)
        return pd.DataFrame({"source": names[source], "target": names[target]}).drop_duplicates(ignore_index=True)


def simulate_modules(
    d: int,
    n: int,
    *,
    n_modules: int = 20,
    degree: float = 1.5,
    without: float = 0.1,
    shared: float = 0.1,
    direct: float = 0.05,
    gene_share: tuple[float, float] = (0.3, 0.8),
    module_share: tuple[float, float] = (0.5, 0.8),
    seed: int = 0,
) -> ModuleSimulation:
    """Draw modules, their graph, and the genes that they move.

    Parameters
    ----------
    d, n
        Numbers of genes (at least 5 a module) and of observations (at least 2).
    n_modules, degree
        Modules, and edges among them for each; any acyclic graph with so many edges is as likely as another.
    without, shared
        Shares of the genes that belong to no module, and to two.
    direct
        Edges among genes that no module carries, for each gene.
    gene_share, module_share
        Ranges of the share of its variance that modules explain of a gene, and its parents of a module.
    seed
        Seed of all streams.

    Raises
    ------
    ValueError
        If a number lies outside its range.

    Examples
    --------
    >>> drawn = simulate_modules(60, 400, n_modules=4, seed=5)
    >>> drawn.X.shape, drawn.activity.shape
    ((400, 60), (400, 4))
    """
    check_number("n_modules", n_modules, 1)
    check_number("d", d, 5 * n_modules)
    check_number("n", n, 2)
    for key, value in (("degree", degree), ("without", without), ("shared", shared), ("direct", direct)):
        check_number(key, value, 0.0, np.inf if key in ("degree", "direct") else 1.0)
    check_range("gene_share", gene_share, 1.0)
    check_range("module_share", module_share, 1.0)
    rng = {name: np.random.default_rng([_SALT, stream, seed]) for name, stream in _STREAMS.items()}
    place = rng["genes"].permutation(d)  # no index tells what a gene is
    regulator, members = place[:n_modules], place[n_modules:]
    pairs = er_pairs(n_modules, degree, rng["graph"])
    noise = rng["noise"].standard_normal((d + n_modules, n))
    X, own = noise[:d], noise[d:]
    activity = _activity(pairs, X[regulator], own, rng["graph"], module_share)
    L = _loadings(members, (d, n_modules), rng["loadings"], without=without, shared=shared)
    share = rng["loadings"].uniform(*gene_share, d)
    signal = L @ activity
    scale = np.sqrt(share / (1.0 - share)) / np.maximum(signal.std(axis=1), TINY)
    L *= scale[:, None]
    X += signal * scale[:, None]
    edges = _add_direct(X, members, rng["direct"], n_edges=round(direct * d), share=gene_share[0])
    deviation = X.std(axis=1)
    X = (X - X.mean(axis=1, keepdims=True)) / deviation[:, None]
    return ModuleSimulation(
        X=X.T,
        genes=[f"G{g:0{len(str(d - 1))}d}" for g in range(d)],
        activity=activity.T,
        loadings=L / deviation[:, None],
        source=pairs[:, 0],
        target=pairs[:, 1],
        regulator=regulator,
        direct=edges,
    )


def _activity(
    pairs: np.ndarray, regulators: np.ndarray, own: np.ndarray, rng: np.random.Generator, shares: tuple[float, float]
) -> np.ndarray:
    """Draw what modules do along their order, ``(K, n)`` of variance 1: their parents explain a share."""
    activity = np.empty_like(own)
    share = rng.uniform(*shares, len(own))
    for k in range(len(own)):
        parents = [regulators[k], *activity[pairs[pairs[:, 1] == k, 0]]]
        weight = rng.uniform(0.5, 1.5, len(parents)) * rng.choice([-1.0, 1.0], len(parents))
        signal = weight @ np.array(parents)
        moved = np.sqrt(share[k]) * signal / signal.std() + np.sqrt(1.0 - share[k]) * own[k]
        activity[k] = (moved - moved.mean()) / moved.std()
    return activity


def _loadings(
    members: np.ndarray, shape: tuple[int, int], rng: np.random.Generator, *, without: float, shared: float
) -> np.ndarray:
    """Deal genes out to modules of uneven size, five at the least, and draw their loadings before they are scaled."""
    K = shape[1]
    kept = members[: max(round((1.0 - without) * len(members)), 4 * K)]
    size = rng.dirichlet(np.full(K, 3.0))  # uneven; chosen by eye
    first = np.concatenate([np.repeat(np.arange(K), 4), rng.choice(K, len(kept) - 4 * K, p=size)])
    L = np.zeros(shape)
    L[kept, first] = rng.uniform(0.7, 1.3, len(kept))
    both = rng.choice(len(kept), round(shared * len(kept)), replace=False)
    if K > 1:
        other = (first[both] + rng.integers(1, K, len(both))) % K
        L[kept[both], other] = rng.uniform(0.7, 1.3, len(both))
    return L * np.where(rng.random(shape) < NEGATIVE, -1.0, 1.0)


def _add_direct(
    X: np.ndarray, members: np.ndarray, rng: np.random.Generator, *, n_edges: int, share: float
) -> np.ndarray:
    """Let some genes act on others, in place, each by a share of the variance of the other; return the edges."""
    line = rng.permutation(members)
    pairs = er_pairs(len(line), n_edges / len(line), rng)
    for a, b in pairs[np.argsort(pairs[:, 1], kind="stable")]:
        source, target = X[line[a]], X[line[b]]
        size = np.sqrt(share / (1.0 - share)) * target.std() / source.std()
        X[line[b]] += rng.choice([-1.0, 1.0]) * size * source
    edges: np.ndarray = line[pairs]
    return edges
