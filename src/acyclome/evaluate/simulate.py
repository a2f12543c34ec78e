"""Simulated expression with a known causal graph.

A graph, a mechanism that makes expression along it, hidden factors that move many genes, and an observation that makes
data of expression; each is an object of a file of its own. Graph, gene names, weights, noise, activity, factors, what
observation adds and hiding draw from streams of their own, so that one seed gives one graph whatever the noise, the
sample size or the scaling; no stream is shared with any method of the package. The columns are dealt out at random:
the index of a gene never tells its place in the order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.data.index_maps import positions
from acyclome.evaluate.counts import CountNetwork
from acyclome.evaluate.factors import NO_FACTORS, Factors
from acyclome.evaluate.graphs import GRAPHS, n_regulators
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.mechanisms import NOISES, Expression, Linear, Mechanism, Structure
from acyclome.evaluate.observations import Observation, Values
from acyclome.evaluate.ranges import check_name, check_number, check_range

if TYPE_CHECKING:
    import pandas as pd

# Fixed for good: another number, and every seed in tests, docs and results would mean other data.
_STREAMS = {"graph": 1, "columns": 2, "weights": 3, "noise": 4, "scales": 5, "measurement": 6, "hidden": 7}
_STREAMS |= {"factors": 8, "activity": 9}
COUNTS = "negative-binomial"
MECHANISMS: dict[str, Callable[..., Mechanism]] = {"linear": Linear, "hill": Hill}
_Range = tuple[float, float]
_LINEAR, _VALUES = Linear(), Values()
_SALT = 0x51D4  # keeps these streams apart from default_rng(seed), which callers use


@dataclass(frozen=True)
class Simulation:
    """One simulated data set with its truth; gene g is column g of X."""

    X: np.ndarray  # (n, d), column-major
    genes: list[str]
    source: np.ndarray  # (m,) int64
    target: np.ndarray  # (m,) int64
    weight: np.ndarray  # (m,) effect in the units of the unscaled columns; signed rate of production of hill
    order: np.ndarray  # (d,) gene at every position of a topological order
    noise_scale: np.ndarray  # (d,) standard deviation of each gene's own noise, before scaling; sqrt(a) of counts
    regulators: np.ndarray | None  # genes that may be causes (hub graphs), else None
    factor_scores: np.ndarray  # (n, r) of the hidden factors, mean 0 and variance 1
    loadings: np.ndarray  # (d, r) what a standard deviation of each factor adds to each gene, before scaling
    size: np.ndarray | None = None  # (n,) size factors of counts, else None
    latent: np.ndarray | None = None  # (n, d) expression that counts show, where the graph is among latent values
    counts: np.ndarray | None = None  # (n, d) those counts, X itself unless it is normalized

    @property
    def edges(self) -> pd.DataFrame:
        """The truth as a table with the columns source, target (names), weight and sign."""
        import pandas as pd

        names = np.array(self.genes, dtype=object)
        sign = np.where(self.weight >= 0, "+", "-")
        columns = {"source": names[self.source], "target": names[self.target], "weight": self.weight, "sign": sign}
        return pd.DataFrame(columns)


def simulate(
    d: int,
    n: int,
    *,
    degree: float = 2.0,
    graph: str = "er",
    noise: str = "gauss",
    mechanism: Mechanism = _LINEAR,
    factors: Factors = NO_FACTORS,
    observation: Observation = _VALUES,
    parent_share: tuple[float, float] | None = (0.3, 0.8),
    weight_range: tuple[float, float] = (0.5, 2.0),
    noise_range: tuple[float, float] | None = None,
    measurement_noise: float = 0.0,
    hidden: float = 0.0,
    standardised: bool = False,
    seed: int = 0,
) -> Simulation:
    """Draw a graph, weights and data: `x_j = sum_i w_ij x_i + noise_j` along a random order, or another mechanism.

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
        are counts that cause counts, see :mod:`acyclome.evaluate.counts`; no other option below but `weight_range`
        and `hidden` is for them, and `parent_share` is the range of the standard deviation of the log mean that
        parents make.
    mechanism
        How causes act: :class:`~acyclome.evaluate.mechanisms.Linear`, or
        :class:`~acyclome.evaluate.kinetics.Hill`, whose expression comes as its logarithm.
    factors
        Hidden factors, such as cell state, batch or depth, that move many genes; the truth keeps the graph among
        genes, and what parents explain is a share of the variance without factors.
    observation
        What is seen of expression: values, or :class:`~acyclome.evaluate.umi.Umi` counts.
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
        If a name is unknown, a number lies outside its range, or options do not go together.

    Examples
    --------
    The same network as values and as counts, with five hidden factors behind both:

    >>> from acyclome.evaluate.umi import Umi
    >>> values = simulate(200, 500, factors=Factors(5), seed=1)
    >>> counts = simulate(200, 500, factors=Factors(5), observation=Umi(depth=(0.1, 3.0)), seed=1)
    >>> bool((values.X == counts.latent).all())
    True
    """
    check_name("graph", graph, GRAPHS)
    check_name("noise", noise, (*NOISES, COUNTS))
    _check_numbers(d, n, degree, 1.0 if graph == "hub" else 0.0, measurement_noise, hidden)
    if noise == COUNTS:
        others = (mechanism != _LINEAR, factors.number, observation.is_counted)
        mechanism = _count_network(parent_share, noise_range, measurement_noise, standardised, *others)
    rng = {name: np.random.default_rng([_SALT, stream, seed]) for name, stream in _STREAMS.items()}
    pairs = GRAPHS[graph](d, degree, rng["graph"])
    order = rng["columns"].permutation(d)
    structure = _structure(pairs, (d, n), rng, noise=noise, ranges=(noise_range, weight_range, parent_share))
    drawn = mechanism.draw(structure, rng)
    scores, loadings = _add_factors(factors, drawn, structure, is_linear=mechanism.is_linear, rng=rng["factors"])
    place = np.argsort(order)  # of every gene
    latent = drawn.Y[place]
    seen = _with_error(observation, measurement_noise).observe(latent, rng["measurement"])
    whole = Simulation(
        X=seen.X.T,
        genes=[f"G{g:0{len(str(d - 1))}d}" for g in range(d)],
        source=order[structure.pairs[:, 0]],
        target=order[structure.pairs[:, 1]],
        weight=drawn.weight,
        order=order,
        noise_scale=drawn.scale[place],
        regulators=np.sort(order[: n_regulators(d)]) if graph == "hub" else None,
        factor_scores=scores,
        loadings=loadings[place],
        size=drawn.size if seen.size is None else seen.size,
        latent=latent.T if observation.is_counted else None,
        counts=None if seen.counts is None else seen.counts.T,
    )
    kept = _hide(whole, hidden, rng["hidden"]) if hidden else whole
    return _standardised(kept) if standardised else kept


def _structure(
    pairs: np.ndarray,
    shape: tuple[int, int],
    rng: dict[str, np.random.Generator],
    *,
    noise: str,
    ranges: tuple[_Range | None, _Range, _Range | None],
) -> Structure:
    noise_range, weight_range, parent_share = ranges
    check_range("parent_share", parent_share, 1.0)
    check_range("weight_range", weight_range)
    check_range("noise_range", noise_range)
    d, n = shape
    pairs = pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))]  # by target, in the order
    scale = np.ones(d) if noise_range is None else rng["scales"].uniform(*noise_range, size=d)
    weight = rng["weights"].uniform(*weight_range, size=len(pairs)) * rng["weights"].choice([-1.0, 1.0], len(pairs))
    share = None if parent_share is None else rng["weights"].uniform(*parent_share, size=d)
    return Structure(n, pairs, weight, scale, share, noise)


def _check_numbers(d: int, n: int, degree: float, fewest: float, measurement_noise: float, hidden: float) -> None:
    for key, value, low in (("d", d, 2), ("n", n, 2), ("degree", degree, fewest)):
        check_number(key, value, low)
    check_number("measurement_noise", measurement_noise, 0.0)
    check_number("hidden", hidden, 0.0, 1.0)


def _count_network(parent_share: object, *others: object) -> CountNetwork:
    if parent_share is None or any(others):
        msg = (
            f"counts take a parent_share, and no noise_range, measurement_noise or standardised, where they cause "
            f"counts ({COUNTS} noise), nor another mechanism, factors or observation. Counts that show a latent "
            f"network (Umi, --counts) take all these but measurement_noise."
        )
        raise ValueError(msg)
    return CountNetwork()


def _with_error(observation: Observation, measurement_noise: float) -> Observation:
    if not measurement_noise:
        return observation
    if observation.is_counted:
        msg = f"measurement_noise is {measurement_noise}, and counts are an error of their own; set it to 0."
        raise ValueError(msg)
    return Values(error=measurement_noise)


def _add_factors(
    factors: Factors, drawn: Expression, structure: Structure, *, is_linear: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Move expression by hidden factors, in place; return scores ``(n, r)`` and loadings ``(d, r)`` in the order."""
    scores = factors.scores(structure.n, rng)
    if not factors.number:
        return scores, np.zeros((len(drawn.Y), 0))
    passed_on = drawn.weight if is_linear else np.zeros_like(drawn.weight)
    loadings = factors.loadings(drawn.Y.var(axis=1), structure, passed_on, rng)
    drawn.Y[...] += loadings @ scores.T
    return scores, loadings


def _standardised(drawn: Simulation) -> Simulation:
    scale = drawn.X.std(axis=0)
    if not scale.all():
        msg = (
            f"{int((scale == 0).sum())} of {scale.size} genes do not vary and have no unit variance; draw more "
            f"observations or a greater depth, or leave standardised out."
        )
        raise ValueError(msg)
    return replace(drawn, X=(drawn.X - drawn.X.mean(axis=0)) / scale)


def _hide(whole: Simulation, hidden: float, rng: np.random.Generator) -> Simulation:
    causes = np.unique(whole.source)
    gone = rng.choice(causes, size=round(hidden * causes.size), replace=False)
    kept = np.setdiff1d(np.arange(len(whole.genes)), gone)
    new = positions(kept, len(whole.genes))
    stay = (new[whole.source] >= 0) & (new[whole.target] >= 0)
    return replace(
        whole,
        X=whole.X.T[kept].T,
        genes=[whole.genes[g] for g in kept],
        source=new[whole.source[stay]],
        target=new[whole.target[stay]],
        weight=whole.weight[stay],
        order=new[whole.order][new[whole.order] >= 0],
        noise_scale=whole.noise_scale[kept],
        regulators=None if whole.regulators is None else new[whole.regulators][new[whole.regulators] >= 0],
        loadings=whole.loadings[kept],
        latent=None if whole.latent is None else whole.latent.T[kept].T,
        counts=None if whole.counts is None else whole.counts.T[kept].T,
    )
