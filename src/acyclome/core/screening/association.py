"""How strongly every possible cause goes with every gene, whatever network there is: the product of some views.

Choice: the share of a gene's variance that the splines of a cause explain, alone and in a boosted fit beside all
others, and the shrunken partial correlation freed of what both genes share with all; of the data as they are and, as
far as the network leaves the genes something in common, of deconfounded ones.
Reason: a search for one acyclic network says little of the pairs that it left out, and on few observations of many
genes its picks stand in for one another; each of these views of all pairs errs in another way.
What would change it: the strength of a pair for its own sake, for the product only ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.deconfounding import damp, left_in_common
from acyclome.core.data.interventions import Interventions, own_rows
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import Standardized
from acyclome.core.screening.boosting import explained_alone_and_beside
from acyclome.core.screening.partial_correlation import partial_correlations
from acyclome.core.workers import run_blocks

# The same on all data: chosen on DREAM4, DREAM5, SynTReN and simulations, see docs/ranking.md.
# Of which every one is weighed beside all others, in .6 CPU s: as long as the network of 1,000 genes takes.  With half
# as many the compendium of B. subtilis, 800,000 pairs with its list of regulators, fell from 11.7 to 9.4 times chance.
BOOSTED_PAIRS = 1_000_000
SHRINKAGE = 0.8  # much more than the screening has: here all pairs are ranked, on few observations too
POWER = 0.5  # chosen with the next, of .4 to 1 (docs/ranking.md, with what both cost)
SHARED = 0.5  # power of a target's mean that its strengths are divided by, of .25 to 1; hHep loses 7 % of its area
FLOOR = 0.1  # of the mean, so that no view silences the others
COMMON = 0.01  # share left in common at which half counts as hidden causes; without any it is below .006, with some .02
SPECTRAL = 1000  # observations of which the singular values are taken; the time grows with their square
COUNTED_PAIRS, COUNTED_GENES = 4_000_000, 1024  # over whose targets means are taken, where there are more
BLOCK_PAIRS = 1 << 21  # at once in each of some float64 arrays of 16 MB
TINY = 1e-30  # where nothing goes with anything, as in constant data

Rows = Callable[[np.ndarray], np.ndarray]  # targets (t,) to values of them with all causes, (t, p)


@dataclass(frozen=True)
class Group:
    """Views of one form of the data, whose product is raised to ``power``."""

    share: Rows  # of variance that a cause explains alone
    more: tuple[Rows, ...]  # what it explains beside others, if that is known
    partial: tuple[Rows, ...]  # partial correlations, of which what both ends share with all is taken
    power: float


class Associations:
    """How strongly causes go with targets, computed for some targets at a time.

    Parameters
    ----------
    problem, groups
        What they are of; the powers of the groups have the sum ``POWER``.
    confounding
        How much of what is in common is held for the work of hidden causes, 0 to 1: how little a network is to be
        believed.

    Notes
    -----
    A strength is the product of the groups, divided by the root of its mean over the causes of the target: what goes
    with every cause moves with the state of the cell rather than by one of them.
    A group is ``(share x importance x partial x reach)^power``: with the partial correlation after average product
    correction (Dunn, Wahl and Gloor 2008), ``s_ij - s_i. s_.j / s..`` and nothing below 0; ``reach`` is the mean share
    of a cause over all genes, since few genes regulate and those that do regulate many.  Each is raised by a tenth of
    its mean.  Above ``COUNTED_PAIRS`` means are those over some targets.
    """

    def __init__(self, problem: Problem, groups: Sequence[Group], *, confounding: float = 0.0) -> None:
        self.confounding = confounding
        self.causes = np.flatnonzero(problem.constraints.sources)
        self.n_genes, self.threads = problem.n_genes, problem.threads
        self._problem, self._column = problem, np.full(problem.n_genes, -1)
        self._column[self.causes] = np.arange(len(self.causes))
        self._groups = [(group, self._measure(group)) for group in groups]

    @cached_property
    def counted(self) -> np.ndarray:
        """Targets over which means are taken: all, or every so many of them, sorted by the first observation."""
        d, p = self.n_genes, len(self.causes)
        some = max(COUNTED_GENES, COUNTED_PAIRS // max(p, 1))
        if d <= some:
            return np.arange(d)
        # Sorted by what is measured, so that the order of the genes does not say which ones count.
        by_value = np.argsort(self._problem.data.standardized.columns([0])[:, 0], kind="stable")
        return np.sort(by_value[(np.arange(some) * d) // some])

    def may(self, targets: np.ndarray) -> np.ndarray:
        """Say which causes may have an edge to each target, ``(t, p)``."""
        constraints = self._problem.constraints
        may = np.ones((len(targets), len(self.causes)), bool)
        if constraints.excludes_pairs and len(targets):
            may = ~np.concatenate([constraints.excluded(j, j + 1)[:, self.causes] for j in targets.tolist()])
        own = self._column[targets]
        may[np.flatnonzero(own >= 0), own[own >= 0]] = False
        return may

    def rows(self, targets: np.ndarray) -> np.ndarray:
        """Return how strongly all causes go with some targets, ``(t, p)``; zero where a pair may not be an edge."""
        may = self.may(targets)
        dtype = self._problem.data.dtype  # of many genes float32, half as much to go through
        whole = may.astype(dtype)
        for group, means in self._groups:
            product = (means.reach + means.floor_reach).astype(dtype)
            for view, floor in zip((group.share, *group.more), means.floors, strict=True):
                product = product * (view(targets) + floor)
            for view, (column, mean, floor) in zip(group.partial, means.corrected, strict=True):
                product = product * (_corrected(view(targets), may, of_cause=column, mean=mean) + floor)
            whole *= product**group.power
        mean = whole.sum(axis=1, keepdims=True, dtype=np.float64) / np.maximum(may.sum(axis=1, keepdims=True), 1)
        whole /= (mean + TINY).astype(dtype) ** dtype.type(SHARED)
        return whole

    def blocks(self, targets: np.ndarray) -> list[tuple[int, int]]:
        """Cut targets into blocks of a bounded number of pairs."""
        return gene_blocks(len(targets), max(BLOCK_PAIRS // max(len(self.causes), 1), 1))

    def total(self, work: Callable[[np.ndarray], list[np.ndarray]], targets: np.ndarray) -> list[np.ndarray]:
        """Add up what ``work`` makes of blocks of targets, in their order."""
        cut = self.blocks(targets)
        parts = run_blocks(lambda a, b: work(targets[a:b]), cut, self.threads)
        return [np.sum(part, axis=0) for part in zip(*parts, strict=True)]

    def _left(self, view: Rows, targets: np.ndarray, *, of_cause: np.ndarray, mean: float) -> list[np.ndarray]:
        """Return the sum of what the correction leaves of a view."""
        return [_corrected(view(targets), self.may(targets), of_cause=of_cause, mean=mean).sum()]

    def _measure(self, group: Group) -> _Means:
        """Take the means that the product needs."""
        views = (group.share, *group.more)

        def sums(targets: np.ndarray) -> list[np.ndarray]:
            may = self.may(targets)
            return [
                may.sum(axis=0),
                *(np.where(may, view(targets), 0.0).sum(axis=0) for view in (*views, *group.partial)),
            ]

        allowed, *columns = self.total(sums, self.counted)
        pairs = max(int(allowed.sum()), 1)
        reach = columns[0] / np.maximum(allowed, 1)
        corrected = []
        for view, column in zip(group.partial, columns[len(views) :], strict=True):
            of_cause, mean = column / np.maximum(allowed, 1), float(column.sum()) / pairs
            left = partial(self._left, view, of_cause=of_cause, mean=mean)
            floor = FLOOR * float(self.total(left, self.counted)[0]) / pairs + TINY
            corrected.append((of_cause, mean, floor))
        floors = [FLOOR * float(column.sum()) / pairs + TINY for column in columns[: len(views)]]
        return _Means(reach, FLOOR * float((reach * allowed).sum()) / pairs + TINY, floors, corrected)


@dataclass(frozen=True)
class _Means:
    reach: np.ndarray  # (p,)
    floor_reach: float
    floors: list[float]
    corrected: list[tuple[np.ndarray, float, float]]  # mean of every cause, (p,), and of all pairs, and floor


def spread_out(n_obs: int) -> np.ndarray:
    """Return so many observations, evenly spread, as singular values are taken of."""
    return np.arange(0, n_obs, -(-n_obs // SPECTRAL))


def associations(
    problem: Problem,
    samples: Sequence[np.ndarray],
    *,
    left: np.ndarray | None,
    seed: int,
) -> Associations:
    """Return how strongly every source goes with every gene.

    Up to ``BOOSTED_PAIRS`` shares of variance are those of splines, alone and beside others, means over ``samples``,
    observations of each resample; ``seed`` decides the order in which causes are offered to the boosted fits.  Of more
    pairs the share is the squared correlation, and above ``WHOLE_GENES`` genes there is no partial correlation.
    ``left``, ``(d, n')``, is what the network leaves of every gene in observations :func:`spread_out`, and tells how
    much all have in common beside it.  Without it the data are not deconfounded.
    """

    def views(of: Problem, rows: Sequence[np.ndarray], power: float) -> Group:
        return _views(of, rows, seed=seed, power=power)

    if left is None:
        return Associations(problem, [views(problem, samples, POWER)])
    n, seen = problem.data.n_obs, spread_out(problem.data.n_obs)
    common = left_in_common(left, threads=problem.threads)
    confounding = common**2 / (common**2 + COMMON**2)
    groups = [views(problem, samples, POWER * (1.0 - confounding / 2))]
    if confounding > 0:
        data, at = problem.data, np.full(n, -1)
        at[seen] = np.arange(len(seen))
        Z = damp(data.standardized.columns(seen), problem.threads)
        done = Interventions.none(n_obs=len(seen), n_genes=len(Z))
        clean = replace(problem, data=replace(data, standardized=Standardized.of(Z), R=None, interventions=done))
        parts = [at[rows][at[rows] >= 0] for rows in samples]
        groups.append(views(clean, parts, POWER * confounding / 2))
    return Associations(problem, groups, confounding=confounding)


def _views(problem: Problem, samples: Sequence[np.ndarray], *, seed: int, power: float) -> Group:
    """Return the views that there is time for."""
    data, pool = problem.data, np.flatnonzero(problem.constraints.sources)
    d, p = problem.n_genes, len(pool)
    partials: tuple[Rows, ...] = ()
    if d <= WHOLE_GENES and p:
        partials = (partial_correlations(problem, shrinkage=SHRINKAGE),)
    if d * p > BOOSTED_PAIRS:
        return Group(lambda targets: _squared(problem, pool, targets), (), partials, power)
    may = np.ones((d, p), bool)
    may[pool, np.arange(p)] = False
    if problem.constraints.excludes_pairs:
        may &= ~problem.constraints.excluded(0, d)[:, pool]
    alone, beside = explained_alone_and_beside(data, pool, samples, may=may, seed=seed, threads=problem.threads)
    return Group(alone.__getitem__, (beside.__getitem__,), partials, power)


def _squared(problem: Problem, causes: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Squared correlations, each gene's over its own observations, ``(t, p)``."""
    data = problem.data
    if data.R is not None:
        of_all = len(causes) == data.n_genes  # whole rows are had twenty times as fast
        C = data.R[targets] if of_all else data.R[np.ix_(targets, causes)]
    else:
        C = data.Z[targets] @ data.Z[causes].T / data.Z.dtype.type(data.n_obs)
    return np.square(own_rows(C, data.beside_R, data.interventions, genes=targets, sources=causes))


def _corrected(strength: np.ndarray, may: np.ndarray, *, of_cause: np.ndarray, mean: float) -> np.ndarray:
    """Take out of a strength of pairs what both ends share with all others, and leave nothing below 0."""
    kept = strength * may
    of_target = kept.sum(axis=1, dtype=np.float64) / np.maximum(may.sum(axis=1), 1)
    kept -= np.outer(of_target.astype(kept.dtype), (of_cause / (mean + TINY)).astype(kept.dtype))
    corrected: np.ndarray = np.maximum(kept, 0.0, out=kept)
    return corrected * may
