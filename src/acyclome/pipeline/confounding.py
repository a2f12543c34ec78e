"""The stage that asks for hidden causes, before any other looks at the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.core.confounding.find import LEAST_GENES, HiddenCauses, find_factors
from acyclome.models import DEFAULT
from acyclome.models.card import Ability
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.records import Confounded
from acyclome.pipeline.task import Task, seed_of

MOST = 20  # factors; where there are more, nothing tells them from the graph
# Of the excess of squared correlations, which hidden causes must explain to be taken for such.  Of simulated ones it
# was .6 to .98; of what lines leave of curves (SynTReN) and of cells in development (mESC, hHep) 0 to .1.
EXPLAINED = 0.5
UNEXPLAINED = 0.05  # residual correlation: simulated data have .04 at most, arrays of E. coli .08
NAMED = 10  # genes of each factor that are on record
TOLD = 0.1  # share of a factor's variance from which a column of the observations goes with it


def find(task: Task) -> Confounded:
    """Find factors, or what else is to be taken out of the data."""
    method = task.config.confounding
    nothing = np.empty((0, task.data.n_obs)), np.empty((task.data.n_genes, 0))
    if method in ("none", "trim") or not _may_look(task):
        done = "trim" if method == "trim" else "none"
        return Confounded(scores=nothing[0], loadings=nothing[1], facts={"method": done, "factors": []})
    task.report("confounding", 0.0, "hidden causes")
    settings = engine_settings(_of_lines(task.config))
    found = find_factors(task.problem, settings, seed=seed_of(task.config, "confounding"), most=MOST)
    trims = method == "auto" and found.residual_correlation > UNEXPLAINED and _may_trim(task.config)
    if trims or (method == "auto" and found.residual_correlation**2 > (1.0 - EXPLAINED) * found.without**2):
        found = HiddenCauses(*nothing, found.without, found.without)
    method = "trim" if trims else "factors" if len(found.scores) else "none"
    task.report("confounding", 1.0, method if trims else f"{len(found.scores)} factors")
    facts = {
        "method": method,
        "residual_correlation": found.residual_correlation,
        "residual_correlation_without": found.without,
        "factors": [_of_factor(task, found, k) for k in range(len(found.scores))],
        "warnings": _warnings(method, found),
    }
    return Confounded(scores=found.scores, loadings=found.loadings, facts=facts)


def _may_look(task: Task) -> bool:
    """Say whether these data can have factors that are found; ``auto`` looks with models of lines alone.

    What lines leave of curves is like a factor, and from raw counts nothing linear can be taken out.
    """
    config, data = task.config, task.data
    has_lines = config.card is not None and config.card.search == "order_search"
    can = data.n_genes >= LEAST_GENES and data.size is None and not config.against_deconfounding
    return can and (has_lines or config.confounding == "factors")


def _of_lines(config: Config) -> Config:
    """Return options with which a graph of lines is searched quickly."""
    options = {"model": DEFAULT, "fit.relax": False, "search.perturbations": 0}
    return config.with_options(options | {"score.noise": "unequal", "score.non_gaussian": False})


def _may_trim(config: Config) -> bool:
    return config.card is not None and Ability.TRIM in config.card.abilities


def _warnings(method: str, found: HiddenCauses) -> list[str]:
    if method == "trim" or found.residual_correlation <= UNEXPLAINED:
        return []
    return [
        f"What the network leaves of two genes is correlated by {found.residual_correlation:.2f} in the mean: hidden "
        "causes explain more of these data than edges do. Of the edges of --confounding trim more are right."
    ]


def _of_factor(task: Task, found: HiddenCauses, k: int) -> dict[str, Any]:
    """Return what is known of a factor: share of all variance, genes that load most, and columns that go with it."""
    loadings = found.loadings[:, k]
    genes = task.data.store.genes
    line = np.argsort(-np.abs(loadings), kind="stable")[:NAMED]
    return {
        "variance": float(np.mean(loadings**2)),
        "genes": {genes[g]: float(loadings[g]) for g in line},
        "columns": columns_of(found.scores[k], task.data.store.obs_columns),
    }


def columns_of(score: np.ndarray, columns: pd.DataFrame | None) -> dict[str, float]:
    """Return the share of a factor that each column of the observations explains, of those that go with it."""
    shares = {}
    for name, values in () if columns is None else columns.items():
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
            x = pd.to_numeric(values).to_numpy(float)
            share = np.corrcoef(x, score)[0, 1] ** 2 if np.isfinite(x).all() and np.ptp(x) > 0 else 0.0
        else:
            codes = pd.factorize(values.astype(str))[0]
            counts = np.bincount(codes)
            means = np.bincount(codes, weights=score) / counts
            # Less what labels explain by chance, of which there may be as many as observations.
            unexplained = 1.0 - float(counts @ means**2) / len(score)
            left = len(score) - len(counts)
            share = 1.0 - unexplained * (len(score) - 1) / left if left else 0.0
        if share > TOLD:
            shares[str(name)] = float(share)
    return dict(sorted(shares.items(), key=lambda one: -one[1]))
