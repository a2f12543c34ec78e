"""The road of nonlinear models: more candidates by expanded features, a climb on the evidence, a second look.

Nonlinear additive-noise models are identifiable (Hoyer et al. 2009; Peters et al. 2014), so that the score itself
decides directions, and no equivalence class is involved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acyclome.core.basis import expand, screen_expanded
from acyclome.core.climb import Climb, ClimbSettings
from acyclome.core.evidence import Evidence, Features, features_of, local_scores, promise, residual
from acyclome.core.layout import Candidates, gene_blocks
from acyclome.core.moments import Moments
from acyclome.core.order import Dag
from acyclome.core.reach import leads_to
from acyclome.core.rules import EdgeRules
from acyclome.core.screen import ScreenSettings, is_screened, symmetric
from acyclome.core.workers import run_blocks

BLOCK = 16
OPEN = 3.0  # log odds, 20 to 1, below which a direction is left open
TINY = 1e-9


@dataclass(frozen=True)
class JointSettings:
    """How to search with a nonlinear local score.

    Parameters
    ----------
    prior
        The local score.
    climb
        How far to climb.
    expanded
        Candidates per gene by the share of its variance that another gene's spline terms explain.
    """

    prior: Evidence
    climb: ClimbSettings
    expanded: int


@dataclass(frozen=True)
class EvidenceScore:
    """The evidence as a local score of the climb."""

    features: Features
    prior: Evidence

    def scores(self, j: int, sets: np.ndarray) -> np.ndarray:
        """Score sets of causes of gene ``j``, ``(s, p) -> (s,)``."""
        return local_scores(self.features, self.prior, j, sets)

    def promise(self, j: int, causes: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Say how promising each of ``others`` is, ``(len(others),)``."""
        return promise(self.features, self.prior, j, causes, others)


def look_further(
    moments: Moments, candidates: Candidates, settings: JointSettings, screening: ScreenSettings, causes: np.ndarray,
    threads: int, rules: EdgeRules | None = None,
) -> Candidates:  # fmt: skip
    """Add the causes that explain most of each gene by their spline terms; in small networks all pairs are there."""
    if not is_screened(moments, screening):
        return candidates
    basis, Z = expand(moments.Z, settings.prior.terms, threads), moments.Z.astype(np.float32, copy=False)
    return _more(moments, candidates, basis, Z, settings, screening, causes, threads, rules)


def search_joint(
    moments: Moments, candidates: Candidates, start: np.ndarray, settings: JointSettings, screening: ScreenSettings,
    causes: np.ndarray, n_allowed: np.ndarray, seed: int, threads: int, *, grows: bool,
    guided: bool = False, rules: EdgeRules | None = None,
) -> tuple[Dag, Candidates]:  # fmt: skip
    """Climb from the empty graph, offer what explains the residuals, climb on, shake; return the DAG and candidates.

    Parameters
    ----------
    start
        ``(d,)`` a permutation of the genes; decides the order of genes that no path joins.
    guided
        The first climb keeps to ``start``.
    n_allowed
        ``(d,)`` size of the pool that the causes of each gene come from.
    """
    features = features_of(moments, settings.prior, n_allowed, seed, threads)
    climb = Climb(EvidenceScore(features, settings.prior), candidates, settings.climb, start, threads)
    climb.begin(np.zeros(candidates.n_edges, dtype=bool))
    if guided:
        climb.settle_along(start)
    climb.settle()
    if grows and is_screened(moments, screening):
        rest = _residuals(climb, features, settings.prior)
        more = _more(moments, candidates, features.basis, rest, settings, screening, causes, threads, rules)
        candidates = climb.with_own(more)  # the limit knows correlations alone, and might have dropped a held edge
        climb = climb.moved_to(candidates)
        climb.settle()
    settled = float(climb.total.sum())
    rng = np.random.default_rng([seed, 1])
    for _ in range(settings.climb.rounds):
        climb.shake(rng)
    return _result(climb, moments, features, settings.prior, settled), candidates


def _more(
    moments: Moments, candidates: Candidates, basis: np.ndarray, responses: np.ndarray, settings: JointSettings,
    screening: ScreenSettings, causes: np.ndarray, threads: int, rules: EdgeRules | None,
) -> Candidates:  # fmt: skip
    """Add the pairs found by spline terms, beyond the limit of the linear screening by as many."""
    source, target = screen_expanded(basis, responses, settings.expanded, screening.min_gain, causes, threads)
    limit = screening.max_candidates + settings.expanded
    source, target = np.concatenate([candidates.parent, source]), np.concatenate([candidates.target, target])
    return symmetric(source, target, moments, causes, limit, rules)


def _residuals(climb: Climb, features: Features, prior: Evidence) -> np.ndarray:
    """Take out what the causes explain of every gene, ``(d, n)`` float32 of mean 0 and mean square 1."""
    out = np.empty_like(features.Z)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            rest = residual(features, prior, j, climb.causes(j))
            rest -= rest.mean()
            out[j] = rest / max(float(np.sqrt(np.mean(rest**2))), TINY)

    run_blocks(block, gene_blocks(len(out), BLOCK), climb.threads)
    return out


def _result(climb: Climb, moments: Moments, features: Features, prior: Evidence, settled: float) -> Dag:
    """Read the DAG off the climb: linear effects, evidence that every edge carries, cost of turning it round."""
    held = np.flatnonzero(climb.held)
    source, target = climb.candidates.parent[held], climb.target[held]
    d = moments.n_genes
    weight, rest = np.empty(len(held)), np.empty(d)

    def block(a: int, b: int) -> None:
        for j in range(a, b):
            causes = climb.causes(j)
            rest[j] = float(np.mean(residual(features, prior, j, causes) ** 2))
            weight[target == j] = _linear_effects(moments, j, causes)

    run_blocks(block, gene_blocks(d, BLOCK), climb.threads)
    loss = features.price[target] - climb.gain[held]
    turned = np.array([climb.turning_loss(int(i), int(j)) for i, j in zip(source, target, strict=True)])
    free = np.array([
        abs(lost) < OPEN and not leads_to(climb.graph, int(i), int(j), (int(i), int(j)))
        for i, j, lost in zip(source, target, turned, strict=True)
    ], dtype=bool)  # fmt: skip
    dag = Dag(source, target, weight, loss, climb.topological(), rest, float(climb.total.sum()), settled)
    return replace(dag, turning_loss=turned, is_free=free)


def _linear_effects(moments: Moments, j: int, causes: np.ndarray) -> np.ndarray:
    """Weights of the best linear function of the causes, in standard deviations, ``(p,)``."""
    if len(causes) == 0:
        return np.empty(0)
    R = moments.among(np.append(causes, j)).astype(np.float64)
    found: np.ndarray = np.linalg.solve(R[:-1, :-1] + TINY * np.eye(len(causes)), R[:-1, -1])
    return found
