"""What the report says of each structural model: what it is, and what its search raised. One entry per family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from acyclome.report import wording
from acyclome.report.papers import EVIDENCE, NO_BEARS, NONLINEAR, NOTEARS, NOTEARS_MLP, OVERDISPERSION, Reference
from acyclome.report.source import Run


class Family(NamedTuple):
    """Words on a structural model whose graph a climb decided.

    Parameters
    ----------
    model
        What it is, after "with" or "rest on".
    score
        What adding, dropping and turning edges raised; the options are those of the run.
    why
        Why directions can be known at all.
    papers
        What these words cite.
    relaxation
        The problem whose solution may guide the climb, and its paper; None where there is none.
    """

    model: str
    score: Callable[[Run], str]
    why: str
    papers: tuple[Reference, ...]
    relaxation: tuple[str, Reference] | None = None


CURVES = "a nonlinear structural equation model with additive noise"
OF = {
    "causes": "one per cause",
    "index": "one of a weighted sum of the causes",
    "indices": "each of a weighted sum of the causes",
}
IDENTIFIABLE = f"such models are identifiable but for special cases, {NONLINEAR.cite}"


def _curves(functions: str, option: str, default: int, paper: Reference) -> Family:
    """Return the words on sums of curves, whose number of terms stands under ``option``."""
    return Family(
        CURVES,
        lambda run: (
            f"the Bayesian information criterion by effective degrees of freedom of sums of "
            f"{functions.format(run.option(option, default))} ({paper.cite}), {OF[run.option('curves.of', 'causes')]}"
        ),
        IDENTIFIABLE,
        (paper, NONLINEAR),
        ("NOTEARS problem for sums of curves", paper),
    )


LAWS = {"negative_binomial": "negative binomial", "poisson": "Poisson", "logistic": "logistic"}
FAMILIES: dict[str, Family] = {
    "mlp": Family(
        CURVES,
        lambda run: (
            f"the evidence ({EVIDENCE.cite}) of Gaussian processes with {run.option('mlp.splines', 8)} spline terms "
            f"per cause and {run.option('mlp.units', 100)} random units for causes that act together"
        ),
        IDENTIFIABLE,
        (EVIDENCE, NONLINEAR),
        ("NOTEARS-MLP problem", NOTEARS_MLP),
    ),
    "polynomial": _curves("polynomials up to degree {}", "curves.degree", 3, NO_BEARS),
    "sobolev": _curves("cosine series with {} terms", "curves.cosines", 8, NOTEARS_MLP),
    "spline": _curves("cubic B-splines with {} terms", "curves.bsplines", 8, NOTEARS_MLP),
    "glm": Family(
        "a generalised linear model of raw counts with a logarithmic or logistic link",
        lambda run: (
            f"the Bayesian information criterion of {LAWS[run.option('glm.family', 'negative_binomial')]} regressions "
            "of counts on the standardised log-normalised expression of the causes, with size factors"
        ),
        f"counts whose variance is tied to their mean identify the graph, {OVERDISPERSION.cite}",
        (OVERDISPERSION,),
    ),
}


def family_of(run: Run) -> Family | None:
    """Return the words on the model of a run; None for the linear ones, whose orders were searched."""
    return FAMILIES.get(run.model)


def reads_noise(run: Run) -> bool:
    """Say whether noise that is not Gaussian counted for directions."""
    return run.model == "lingam" or bool(run.option("score.non_gaussian", False))


def relaxation_of(run: Run) -> tuple[str, Reference] | None:
    """Return the problem whose solution proposed where the search starts, and its paper; None where none did."""
    if not run.fact("fit.relax", run.model == "linear"):
        return None
    return FAMILIES[run.model].relaxation if run.model in FAMILIES else ("NOTEARS problem", NOTEARS)


def compared(run: Run) -> list[dict[str, Any]]:
    """Return a row for each model that was compared, the simplest first; none where the model was asked for."""
    return [
        {
            "name": row["model"],
            "is_chosen": row["model"] == run.model,
            "density": wording.decimal(row["log_density"], 4),
            "behind": wording.decimal(row["behind"], 4),
            "error": wording.decimal(row["standard_error"], 4),
            "edges": wording.count(row["edges"]),
        }
        for row in run.fact("model.compared", [])
    ]
