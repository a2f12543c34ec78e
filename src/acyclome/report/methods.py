"""A methods paragraph with the numbers of the run filled in, and the papers it rests on."""

from __future__ import annotations

from acyclome.report import wording
from acyclome.report.families import family_of, reads_noise, relaxation_of
from acyclome.report.papers import (
    CLASSES,
    CROSS_VALIDATION,
    ENTROPY,
    EQUAL_VARIANCE,
    EXTENDED_BIC,
    INTERVENTIONS,
    LINGAM,
    ORDER,
    PAIRS,
    SERIES,
    SORTABILITY,
    STABILITY,
    Reference,
)
from acyclome.report.source import Run
from acyclome.report.summary import counts, data_name


def methods_text(run: Run) -> str:
    """Return the paragraph for a paper."""
    sentences = [
        _data(run),
        _screening(run),
        _relaxation(run),
        _search(run),
        _result(run),
        _resampling(run),
        _software(run),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def references(run: Run) -> list[Reference]:
    """Return the papers that the paragraph and the page cite, in the order of first use."""
    family = family_of(run)
    used = [ORDER, EXTENDED_BIC, CLASSES] if family is None else [*family.papers]
    relaxation = relaxation_of(run)
    if relaxation is not None:
        truncated = run.option("fit.acyclicity", "series") in ("series", "lowrank")
        used = [relaxation[1], *([SERIES] if truncated else []), *(paper for paper in used if paper != relaxation[1])]
    if run.option("score.noise", "unequal") == "equal":
        used.append(EQUAL_VARIANCE)
    if reads_noise(run):
        used += [LINGAM, ENTROPY]
    if run.fact("perturbation"):
        used.append(INTERVENTIONS)
    if run.fact("model.compared"):
        used.append(CROSS_VALIDATION)
    return [*used, *([STABILITY, PAIRS] if run.resamples else []), SORTABILITY]


def _data(run: Run) -> str:
    found = counts(run)
    family = family_of(run)
    model = "a linear structural equation model" if family is None else family.model
    return (
        f"A causal gene network was learned from the expression of {wording.plural(found['genes'], 'gene')} in "
        f"{wording.plural(found['observations'] or 0, 'observation')} ({data_name(run)}) with {model}, every "
        f"gene scaled to unit variance.{_choice(run)}{_interventions(run)}"
    )


def _choice(run: Run) -> str:
    """Return the sentence on the choice of the model, empty where it was asked for."""
    rows = run.fact("model.compared", [])
    if not rows:
        return ""
    return (
        f" This model was chosen among {len(rows)} by the likelihood of {run.fact('model.test', 0):,} observations "
        f"that were kept back, on {run.fact('model.genes', 0):,} genes: the simplest within two standard errors of the "
        f"best (compare {CROSS_VALIDATION.cite})."
    )


def _interventions(run: Run) -> str:
    """Return the sentence on interventions, empty if there are none."""
    found = run.fact("perturbation")
    if not found:
        return ""
    acted, quiet = found["observations"]["targeted"], found["observations"]["untouched"]
    return (
        f" {wording.plural(found['targets'], 'gene')} had been targets of interventions in "
        f"{wording.plural(acted, 'observation')} ({quiet:,} were untouched); the equation of a gene was fitted without "
        f"the observations in which it was a target ({INTERVENTIONS.cite})."
    )


def _screening(run: Run) -> str:
    steps, partial = run.option("screen.forward_steps", 10), run.option("screen.partial", 10)
    mean = run.fact("screen.mean")
    kept = f", {wording.decimal(mean, 1)} candidates per gene on average" if wording.is_number(mean) else ""
    again = " and those that a first search showed to be hubs" if run.option("screen.augment", True) else ""
    listed = " Only the genes of a regulator list could be causes." if run.option("knowledge.regulators") else ""
    return (
        f"Candidate causes of each gene were those found by forward selection ({steps} steps) or among the {partial} "
        f"largest partial correlations (shrinkage {run.option('screen.shrinkage', 0.05)}){again}{kept}.{listed}"
    )


def _relaxation(run: Run) -> str:
    family, relaxation = family_of(run), relaxation_of(run)
    if relaxation is None:
        begin = "a random order of the genes" if family is None else "the empty graph"
        return f"The search started from {begin}."
    mu = ", ".join(f"{value:g}" for value in run.option("fit.mu", []))
    path = f" along the central path mu = {mu}" if mu else ""
    path = " by the augmented Lagrangian" if run.option("fit.schedule", "path") == "lagrangian" else path
    problem, paper = relaxation
    given = "the starting order" if family is None else "the order that the search kept to at first"
    return (
        f"On these candidates the {problem} ({paper.cite}) was solved with {_acyclicity(run)} and "
        f"lambda1 = {run.option('fit.lambda1', 0.02):g}{path}; its solution gave {given}."
    )


def _acyclicity(run: Run) -> str:
    whole = {
        "expm": "the trace of the matrix exponential as acyclicity function",
        "logdet": "the log-determinant as acyclicity function",
        "polynomial": "a polynomial acyclicity function",
        "spectral": "the spectral radius as acyclicity function",
    }
    form = run.option("fit.acyclicity", "series")
    if form in whole:
        return whole[form]
    terms = run.option("fit.terms", run.option("fit.order", 8))
    space = f" in {run.option('fit.rank', 64)} dimensions" if form == "lowrank" else ""
    return f"an acyclicity function truncated after {terms} powers{space} (compare {SERIES.cite})"


def _search(run: Run) -> str:
    gamma, rounds = run.option("score.gamma", 1.0), run.option("search.perturbations", 1)
    family = family_of(run)
    if family is not None:
        return (
            f"Edges were added, dropped and turned as long as that raised {family.score(run)}, each cause charged "
            f"{gamma:g} log p, followed by {rounds} rounds of perturbation."
        )
    noise = (
        f"equal noise variances ({EQUAL_VARIANCE.cite})"
        if run.option("score.noise", "unequal") == "equal"
        else "gene-wise noise variances"
    )
    return (
        f"The order of the genes ({ORDER.cite}) and the causes of each gene were then chosen by the extended Bayesian "
        f"information criterion ({EXTENDED_BIC.cite}; gamma = {gamma:g}) with {noise}, moving single genes until no "
        f"move helped, followed by {rounds} rounds of perturbation.{_noise(run)}"
    )


def _noise(run: Run) -> str:
    """Return the sentence on noise that is not Gaussian, empty where it did not count."""
    if not reads_noise(run):
        return ""
    where = "in that criterion" if run.model == "lingam" else "among edges that this leaves reversible"
    return (
        f" Noise that was measurably not Gaussian counted {where} with its own likelihood, from an approximation of "
        f"its entropy ({ENTROPY.cite}), and so settled directions ({LINGAM.cite})."
    )


def _result(run: Run) -> str:
    found = counts(run)
    family = family_of(run)
    noise = " where noise could be Gaussian" if reads_noise(run) else ""
    why = f"Markov equivalence{noise}; {CLASSES.cite}" if family is None else f"odds below 20 to 1; {family.why}"
    return (
        f"The resulting directed acyclic graph has {wording.plural(found['edges'], 'edge')}; the direction of "
        f"{wording.share(found['reversible'])} of them is not determined by the data ({why})."
    )


def _resampling(run: Run) -> str:
    if not run.resamples:
        return "No resampling was done, so edges carry no measure of stability."
    fraction = run.fact("resample.fraction", run.option("resample.fraction", 0.5))
    return (
        f"The whole procedure, screening included, was repeated on {run.resamples} random subsamples of "
        f"{wording.share(fraction)} of the observations ({STABILITY.cite}; {PAIRS.cite}); the stability of an edge is "
        f"the share of subsamples in which it was found again (median {wording.decimal(counts(run)['stability'])})."
    )


def _software(run: Run) -> str:
    return f"acyclome {run.fact('version', '')} was used with seed {run.fact('seed', run.option('seed', 0))}."
