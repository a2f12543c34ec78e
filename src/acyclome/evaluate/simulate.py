"""Simulated expression with a known causal graph.

Graph, gene names, weights, noise, measurement error and hiding draw from streams of their own, so that one seed gives
one graph whatever the noise, the sample size or the scaling; no stream is shared with any method of the package.
The columns are dealt out at random: the index of a gene never tells its place in the order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.data.index_maps import positions
from acyclome.evaluate.counts import draw_counts
from acyclome.evaluate.graphs import GRAPHS, n_regulators

if TYPE_CHECKING:
    import pandas as pd

# Fixed for good: another number, and every seed in tests, docs and results would mean other data.
_STREAMS = {"graph": 1, "columns": 2, "weights": 3, "noise": 4, "scales": 5, "measurement": 6, "hidden": 7}
COUNTS = "negative-binomial"
_SALT = 0x51D4  # keeps these streams apart from default_rng(seed), which callers use


@dataclass(frozen=True)
class Simulation:
    """One simulated data set with its truth; gene g is column g of X."""

    X: np.ndarray  # (n, d), column-major
    genes: list[str]
    source: np.ndarray  # (m,) int64
    target: np.ndarray  # (m,) int64
    weight: np.ndarray  # (m,) effect in the units of the unscaled columns
    order: np.ndarray  # (d,) gene at every position of a topological order
    noise_scale: np.ndarray  # (d,) standard deviation of each gene's own noise, before scaling; sqrt(a) of counts
    regulators: np.ndarray | None  # genes that may be causes (hub graphs), else None
    size: np.ndarray | None = None  # (n,) size factors of counts, else None

    @property
    def edges(self) -> pd.DataFrame:
        """The truth as a table with the columns source, target (names), weight and sign."""
        import pandas as pd

        names = np.array(self.genes, dtype=object)
        sign = np.where(self.weight >= 0, "+", "-")
        columns = {"source": names[self.source], "target": names[self.target], "weight": self.weight, "sign": sign}
        return pd.DataFrame(columns)


NOISES: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "gauss": lambda rng, shape: rng.standard_normal(shape),
    "exp": lambda rng, shape: rng.exponential(1.0, shape) - 1.0,
    "gumbel": lambda rng, shape: (rng.gumbel(0.0, 1.0, shape) - np.euler_gamma) * (np.sqrt(6.0) / np.pi),
    "uniform": lambda rng, shape: rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), shape),
    "laplace": lambda rng, shape: rng.laplace(0.0, np.sqrt(0.5), shape),
}


def simulate(
    d: int,
    n: int,
    *,
    degree: float = 2.0,
    graph: str = "er",
    noise: str = "gauss",
    parent_share: tuple[float, float] | None = (0.3, 0.8),
    weight_range: tuple[float, float] = (0.5, 2.0),
    noise_range: tuple[float, float] | None = None,
    measurement_noise: float = 0.0,
    hidden: float = 0.0,
    standardised: bool = False,
    seed: int = 0,
) -> Simulation:
    """Draw a graph, weights and data: `x_j = sum_i w_ij x_i + noise_j` along a random order.

    Needs O(n d) memory and no d x d matrix; d = 10,000 with n = 1,000 takes about a second.

    Parameters
    ----------
    d, n
        Numbers of genes (at least 2, before hiding) and of observations (at least 2).
    degree
        Edges per gene (er), parents of each gene (scale-free, rounded; hub, in the mean).
    graph
        er: edges anywhere; scale-free: a few genes have very many targets; hub: 5% regulators cause everything.
    noise
        Law of the noise (zero mean, unit variance before scaling); a name of `NOISES`. negative-binomial: the data
        are counts, see :mod:`acyclome.evaluate.counts`; no other option below but `weight_range` and `hidden` is
        for them, and `parent_share` is the range of the standard deviation of the log mean that parents make.
    parent_share
        The parents of every gene explain a share of its variance drawn from this range: its weights are scaled so
        in this sample, and variances stay bounded at any d. None: weights as drawn, variances grow with depth.
    weight_range
        Sizes of the weights before that, uniform, with a random sign.
    noise_range
        Standard deviation of each gene's noise, uniform in this range; None means 1 for every gene.
    measurement_noise
        Error added to what is observed, as a share of each gene's standard deviation.
    hidden
        Share of the genes with targets that is not observed; the truth keeps the edges between observed genes.
    standardised
        Whether to center every column and bring it to unit variance at the end.
    seed
        Seed of all streams.

    Returns
    -------
    The data with their truth.

    Raises
    ------
    ValueError
        If a name is unknown or a number lies outside its range.
    """
    _check_name("graph", graph, GRAPHS)
    _check_name("noise", noise, (*NOISES, COUNTS))
    _check_numbers(d, n, degree, 1.0 if graph == "hub" else 0.0, measurement_noise, hidden)
    _check_range("parent_share", parent_share, 1.0)
    _check_range("weight_range", weight_range)
    _check_range("noise_range", noise_range)
    _check_counts(noise, parent_share, noise_range, measurement_noise, standardised)
    rng = {name: np.random.default_rng([_SALT, stream, seed]) for name, stream in _STREAMS.items()}
    pairs = GRAPHS[graph](d, degree, rng["graph"])
    pairs = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]  # by target, in the order
    order = rng["columns"].permutation(d)
    scale = np.ones(d) if noise_range is None else rng["scales"].uniform(*noise_range, size=d)
    weight = rng["weights"].uniform(*weight_range, size=len(pairs)) * rng["weights"].choice([-1.0, 1.0], len(pairs))
    share = None if parent_share is None else rng["weights"].uniform(*parent_share, size=d)
    factors: np.ndarray | None = None
    if noise == COUNTS and share is not None:
        Y, weight, scale, factors = draw_counts(pairs, weight, share, n, rng["noise"], rng["scales"])
    else:
        Y = NOISES[noise](rng["noise"], (d, n)) * scale[:, None]  # gene-major, in the order
        weight = _propagate(Y, pairs, weight, scale=scale, share=share)
    whole = Simulation(
        X=_observe(Y, order, measurement_noise, rng["measurement"]).T,
        genes=[f"G{g:0{len(str(d - 1))}d}" for g in range(d)],
        source=order[pairs[:, 0]],
        target=order[pairs[:, 1]],
        weight=weight,
        order=order,
        noise_scale=scale[np.argsort(order)],
        regulators=np.sort(order[: n_regulators(d)]) if graph == "hub" else None,
        size=factors,
    )
    seen = _hide(whole, hidden, rng["hidden"]) if hidden else whole
    return replace(seen, X=(seen.X - seen.X.mean(axis=0)) / seen.X.std(axis=0)) if standardised else seen


def _check_counts(noise: str, parent_share: object, *others: object) -> None:
    if noise == COUNTS and (parent_share is None or any(others)):
        msg = "counts take a parent_share, and no noise_range, measurement_noise or standardised."
        raise ValueError(msg)


def _check_name(key: str, value: str, table: Iterable[str]) -> None:
    if value not in table:
        msg = f"{key} is {value!r}; choose one of {', '.join(table)}."
        raise ValueError(msg)


def _check_numbers(d: int, n: int, degree: float, fewest: float, measurement_noise: float, hidden: float) -> None:
    for key, value, low in (("d", d, 2), ("n", n, 2), ("degree", degree, fewest)):
        _check_number(key, value, low)
    _check_number("measurement_noise", measurement_noise, 0.0)
    _check_number("hidden", hidden, 0.0, 1.0)


def _check_number(key: str, value: float, low: float, high: float = np.inf) -> None:
    if not low <= value < high:
        msg = f"{key} is {value}; it must be at least {low:g}" + (f" and below {high:g}." if high < np.inf else ".")
        raise ValueError(msg)


def _check_range(key: str, value: tuple[float, float] | None, high: float = np.inf) -> None:
    if value is not None and not 0.0 < value[0] <= value[1] < high:
        msg = f"{key} is {value}; give two rising numbers above 0" + (f" and below {high:g}." if high < np.inf else ".")
        raise ValueError(msg)


def _propagate(
    Y: np.ndarray, pairs: np.ndarray, weight: np.ndarray, *, scale: np.ndarray, share: np.ndarray | None
) -> np.ndarray:
    """Turn the noise in `Y` (made by the caller for this) into expression along the order; return the final weights."""
    weight = weight.copy()
    bounds = np.searchsorted(pairs[:, 1], np.arange(len(Y) + 1))
    for j in range(len(Y)):
        rows = slice(bounds[j], bounds[j + 1])
        if rows.start == rows.stop:  # a root
            continue
        signal = weight[rows] @ Y[pairs[rows, 0]]
        if share is not None:
            # Variances of signal and noise are as share to 1 - share; 1e-12 where parents cancel.
            factor = scale[j] * np.sqrt(share[j] / (1.0 - share[j])) / max(float(signal.std()), 1e-12)
            weight[rows] *= factor
            signal = signal * factor
        Y[j] += signal
    return weight


def _observe(Y: np.ndarray, order: np.ndarray, measurement_noise: float, rng: np.random.Generator) -> np.ndarray:
    """Put the genes in their columns and add what the measurement adds."""
    XT = np.empty_like(Y)
    XT[order] = Y
    if not measurement_noise:
        return XT
    return XT + rng.standard_normal(XT.shape) * (measurement_noise * XT.std(axis=1, keepdims=True))


def _hide(whole: Simulation, hidden: float, rng: np.random.Generator) -> Simulation:
    causes = np.unique(whole.source)
    gone = rng.choice(causes, size=round(hidden * causes.size), replace=False)
    kept = np.setdiff1d(np.arange(len(whole.genes)), gone)
    new = positions(kept, len(whole.genes))
    stay = (new[whole.source] >= 0) & (new[whole.target] >= 0)
    return Simulation(
        X=whole.X.T[kept].T,
        genes=[whole.genes[g] for g in kept],
        source=new[whole.source[stay]],
        target=new[whole.target[stay]],
        weight=whole.weight[stay],
        order=new[whole.order][new[whole.order] >= 0],
        noise_scale=whole.noise_scale[kept],
        regulators=None if whole.regulators is None else new[whole.regulators][new[whole.regulators] >= 0],
        size=whole.size,
    )
