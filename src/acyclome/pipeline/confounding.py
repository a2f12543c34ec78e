"""The stage that asks for hidden causes, before any other looks at the data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acyclome.config import Config
from acyclome.core.confounding.activity import Activities
from acyclome.core.confounding.factor_analysis import extend
from acyclome.core.confounding.find import LEAST_GENES, HiddenCauses, find_factors
from acyclome.core.confounding.regulators import find_activities
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import is_small
from acyclome.core.engine import screen
from acyclome.io.store_part import StorePart
from acyclome.models import DEFAULT
from acyclome.models.card import Ability
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.engine_settings import engine_settings, looks_for_factors, may_look
from acyclome.pipeline.records import Confounded
from acyclome.pipeline.resources import LOOKED_OBSERVATIONS
from acyclome.pipeline.task import Task, seed_of
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

MOST = 20  # factors; where there are more, nothing tells them from the graph
# Of the excess of squared correlations, or of the edges, which hidden causes must explain to be taken for such.  Of
# simulated ones it was .6 to .98; of what lines leave of curves (SynTReN) 0 to .1, of cells in development that too
# (mESC) or .86 (hHep).  Of up to 200 genes a graph without factors leaves nothing, with ten times the edges: simulated
# factors explained .53 to .99 of these, those of SynTReN .13 to .34.
EXPLAINED = 0.5
UNEXPLAINED = 0.05  # residual correlation: simulated data have .04 at most, arrays of E. coli .08
# Of what factors gain, from which activities are taken instead, for each stands in for the other.  Where factors were
# drawn over 100 genes without edges, activities gained .5 to 1.2 of it, over 300 genes and more the factors explained
# all; where regulators stray, 1.03 to 3.4, in 20 of 24 more than 1.1.
STANDS_IN = 1.1
# Of the excess of squared correlations, which factors have to leave for activities to be looked for beside them: those
# that were drawn leave .03 to .21 (most among 500 genes), those that stand in for activities .58 to 1.2.  At .1, as it
# was, genes that are hardly more than a factor passed for regulators with an activity, of hundreds of genes.
LEFT = 0.3
NAMED = 10  # genes of each factor that are on record
TOLD = 0.1  # share of a factor's variance from which a column of the observations goes with it


def find(task: Task) -> Confounded:
    """Find factors, what else is to be taken out of the data, or else the activity of regulators."""
    task.report("confounding", 0.0, "hidden causes")
    is_drawn, looked_at = _is_drawn(task), _looked_at(task)
    found, method = _hidden_causes(task, looked_at)
    activities, facts = Activities.of_expression(task.scaled, np.empty(0, np.int64)), dict[str, Any]()
    against, warnings = _against_activities(task, found, method), list[str]()
    if against and task.config.activity == "latent":
        warnings.append(f"No activities of regulators were looked for (activity latent): {against}.")
    if not against and _may_act(task):
        task.report("confounding", 1.0, "activity of regulators")
        settings, seed = engine_settings(_of_lines(task.config)), seed_of(task.config, "activity")
        active, gain = find_activities(task.problem, settings, None if found is None else found.graph, seed=seed)
        # Also beside factors that are not taken: they may explain too little, and activities stand in for them no less.
        if found is None or len(found.scores) == 0 or gain > STANDS_IN * found.gain:
            activities, method = active, "none"
        facts = {"activity": _of_regulators(task, activities, gain)}
    scores, loadings = np.empty((0, task.data.n_obs)), np.empty((task.data.n_genes, 0))
    if found is not None:
        left = found.without
        if method == "factors":
            scores, loadings, left = found.scores, found.loadings, found.residual_correlation
            if is_drawn:
                scores = extend(loadings, task.scaled.standardized)
        facts |= {"residual_correlation_without": found.without}
        if len(activities.genes) == 0:  # what these leave is another matter, which no search here has measured
            facts |= {"residual_correlation": left}
            warnings += _warnings(method, left)
    factors = [_of_factor(task, s, of) for s, of in zip(scores, loadings.T, strict=True)]
    facts |= {"warnings": warnings, "method": method, "factors": factors}
    drawn = activities.mean  # of none
    if len(activities.genes):
        drawn = activities.draw(task.scaled.Z, seed_of(task.config, "activity"))
    out = Confounded(scores=scores, loadings=loadings, regulators=activities.genes, activity=drawn, facts=facts)
    if looked_at is None or out.deconfounding.any or is_drawn:
        return out
    candidates = looked_at[1]
    return replace(out, indptr=candidates.indptr, parent=candidates.parent)  # which cost a third of what looking does


def _looked_at(task: Task) -> tuple[Problem, Candidates] | None:
    """Return the problem, and its candidates as the data are; None where no factors are to be looked for.

    It is of ``LOOKED_OBSERVATIONS`` drawn at random where the genes of all are not held in memory.
    """
    if not looks_for_factors(task.config, n_genes=task.data.n_genes, is_counted=task.data.size is not None):
        return None
    problem = _drawn(task).problem(task.backend) if _is_drawn(task) else task.problem
    return problem, screen(problem, engine_settings(_of_lines(task.config)))


def _drawn(task: Task) -> Dataset:
    n, rng = task.data.n_obs, np.random.default_rng(seed_of(task.config, "confounding"))
    part = task.data.subset(rows=np.sort(rng.permutation(n)[:LOOKED_OBSERVATIONS]))
    if not isinstance(part.store, StorePart) or part.store.slabs is None:
        return part
    # In one pass over the cells; block by block all of them would be dense: 4 GB of a million, for 1,024 genes.
    return replace(part, store=part.store.sparse_in_memory())


def _is_drawn(task: Task) -> bool:
    return task.data.n_obs > LOOKED_OBSERVATIONS and not is_small(task.scaled.standardized.shape, task.scaled.dtype)


def _hidden_causes(task: Task, looked_at: tuple[Problem, Candidates] | None) -> tuple[HiddenCauses | None, str]:
    """Look for factors; return them, None where nobody looked, and what is to be done."""
    method = task.config.confounding
    if looked_at is None:
        return None, "trim" if method == "trim" else "none"
    settings = engine_settings(_of_lines(task.config))
    found = find_factors(*looked_at, settings, seed=seed_of(task.config, "confounding"), most=MOST)
    trims = method == "auto" and found.residual_correlation > UNEXPLAINED and _may_trim(task.config)
    leaves_common = found.residual_correlation**2 > (1.0 - EXPLAINED) * found.without**2
    leaves_most = leaves_common and found.edges > (1.0 - EXPLAINED) * found.graph.n_edges
    is_none = len(found.scores) == 0 or (method == "auto" and leaves_most)
    method = "trim" if trims else "none" if is_none else "factors"
    task.report("confounding", 1.0, plural(len(found.scores), "factor") if method == "factors" else method)
    return found, method


def _may_act(task: Task) -> bool:
    """Say whether activities are looked for, where nothing in the data is against it; never beside asked factors."""
    config, data = task.config, task.data
    if config.activity == "none" or config.confounding == "factors":
        return False
    is_asked = config.activity == "latent"
    return may_look(config, n_genes=data.n_genes, is_counted=data.size is not None, is_asked=is_asked)


def _against_activities(task: Task, found: HiddenCauses | None, method: str) -> str:
    """Return what of these data, or of what was found in them, speaks against activities; empty if nothing does."""
    explain_all = found is not None and method == "factors" and found.residual_correlation**2 < LEFT * found.without**2
    reasons = {
        f"under {LEAST_GENES} genes do not show them": task.data.n_genes < LEAST_GENES,
        "counts are learned from as they are": task.data.size is not None,
        "singular values were capped instead (confounding), which mixes observations": method == "trim",
        "factors explain what genes have in common": explain_all,
        "correlations of so many genes are not held at once": task.data.n_genes > WHOLE_GENES,
        "so many genes of so many observations are not held at once": _is_drawn(task),
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def _of_regulators(task: Task, activities: Activities, gain: float) -> dict[str, Any]:
    """Return how much of the variance of each regulator is its activity, and what all bring, in nats an observation."""
    names = [task.data.store.genes[g] for g in activities.genes]
    shares = 1.0 - np.minimum(activities.error, 1.0)
    return {"regulators": dict(zip(names, shares.tolist(), strict=True)), "gain": gain / task.data.n_obs}


def _of_lines(config: Config) -> Config:
    """Return options with which a graph of lines is searched quickly."""
    options = {"model": DEFAULT, "fit.relax": False, "search.perturbations": 0}
    return config.with_options(options | {"score.noise": "unequal", "score.non_gaussian": False})


def _may_trim(config: Config) -> bool:
    return config.card is not None and Ability.TRIM in config.card.abilities


def _warnings(method: str, left: float) -> list[str]:
    if method == "trim" or left <= UNEXPLAINED:
        return []
    return [
        f"What the network leaves of two genes is correlated by {left:.2f} in the mean: hidden "
        "causes explain more of these data than edges do. Of the edges of --confounding trim more are right."
    ]


def _of_factor(task: Task, scores: np.ndarray, loadings: np.ndarray) -> dict[str, Any]:
    """Return what is known of a factor: share of all variance, genes that load most, and columns that go with it."""
    genes = task.data.store.genes
    line = np.argsort(-np.abs(loadings), kind="stable")[:NAMED]
    return {
        "variance": float(np.mean(loadings**2)),
        "genes": {genes[g]: float(loadings[g]) for g in line},
        "columns": columns_of(scores, task.data.store.obs_columns),
    }


def columns_of(score: np.ndarray, columns: pd.DataFrame | None) -> dict[str, float]:
    """Return the share of a factor that each column of the observations explains, of those that go with it."""
    import pandas as pd

    shares = {}
    for name, values in () if columns is None else columns.items():
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            x = pd.to_numeric(values).to_numpy(float)
            share = np.corrcoef(x, score)[0, 1] ** 2 if np.isfinite(x).all() and np.ptp(x) > 0 else 0.0
        else:
            codes = pd.factorize(values.astype(object).map(str))[0]  # what is missing is a label, too
            counts = np.bincount(codes)
            means = np.bincount(codes, weights=score) / counts
            # Less what labels explain by chance, of which there may be as many as observations.
            unexplained = 1.0 - float(counts @ means**2) / len(score)
            left = len(score) - len(counts)
            share = 1.0 - unexplained * (len(score) - 1) / left if left else 0.0
        if share > TOLD:
            shares[str(name)] = float(share)
    return dict(sorted(shares.items(), key=lambda one: -one[1]))
