"""A methods paragraph with the numbers of the run filled in, and the papers it rests on."""

from __future__ import annotations

from typing import Any

from acyclome import wording
from acyclome.options.sections import SHIPPED_REGULATORS, Fit
from acyclome.report.references import bibliography, cite
from acyclome.report.source import Run
from acyclome.report.summary import counts, data_name

REFINED = (
    " Edges were judged by the likelihood of the scores themselves ([@joreskog1970]): added by modification index "
    "([@sorbom1989]), and looked for in the moments that scores and network let expect ([@friedman1998])."
)
SORTABILITY = "[@reisach2021]"  # which the page cites beside the paragraph


def methods_text(run: Run) -> tuple[str, list[str]]:
    """Return the paragraph, and the papers that it and the page cite, in the order of first use, as HTML."""
    said = (_data, _confounding, _screening, _relaxation, _search, _result, _resampling, _software)
    text = " ".join(filter(None, (sentence(run) for sentence in said)))
    return cite(text), bibliography(text + SORTABILITY)


def _data(run: Run) -> str:
    total = counts(run)
    return (
        f"A causal gene network was learned from the expression of {wording.plural(total['genes'], 'gene')} in "
        f"{wording.plural(total['observations'] or 0, 'observation')} ({data_name(run)}) with {run.words.model}, every "
        f"gene scaled to unit variance.{_depth(run)}{_choice(run)}{_interventions(run)}"
    )


def _depth(run: Run) -> str:
    """Say what was done about the depth and the noise of counts; nothing where there were none, or somebody decided."""
    if run.config.prepare.transform == "latent":
        worth = wording.decimal(run.fact("screen.n_effective"), 0)
        return (
            " Counts were scored by the mean of the log expression given them, under Poisson log-normal laws "
            "([@aitchison1989]), and what counting takes from correlations was given back to them; they are worth "
            f"{worth} observations without noise.{REFINED if run.fact('order.refined') else ''}"
        )
    steps = run.fact("prepare.steps") or []
    found: dict[str, Any] = next((step for step in steps if "effective_genes" in step), {})
    few = f" As {wording.decimal(found.get('effective_genes'), 0)} genes carry the totals, no totals were divided by"
    return {
        "none": f"{few}; they do not vary beyond what independent genes do, or are too few to tell.",
        "depth": f"{few}; what the genes have in common of depth was taken out instead, by covariances of all pairs.",
        "totals": " Counts were divided by their totals." if found.get("step") == "normalize" else "",
    }.get(str(found.get("method")), "")


def _choice(run: Run) -> str:
    rows = run.fact("model.compared")
    if not rows:
        return ""
    return (
        f" This model was chosen among {len(rows)} by the likelihood of {run.fact('model.test'):,} observations "
        f"that were kept back, on {run.fact('model.genes'):,} genes: the simplest within two standard errors of the "
        f"best (compare [@breiman1984; @nadeau2003])."
    )


def _interventions(run: Run) -> str:
    record = run.fact("perturbation")
    if not record:
        return ""
    acted, quiet = record["observations"]["targeted"], record["observations"]["untouched"]
    return (
        f" {wording.plural(record['targets'], 'gene')} had been targets of interventions in "
        f"{wording.plural(acted, 'observation')} ({quiet:,} were untouched); the equation of a gene was fitted without "
        f"the observations in which it was a target ([@hauser2012])."
    )


def _confounding(run: Run) -> str:
    """Say what was done about hidden common causes; nothing where nobody looked for any."""
    method, factors = run.fact("confounding.method"), run.fact("confounding.factors") or []
    acting = run.fact("confounding.activity.regulators")
    left = run.fact("confounding.residual_correlation")
    if acting:
        return (
            f"Of {wording.plural(len(acting), 'regulator')} the activity that their targets show, by the criterion of "
            "the edges and EM, took the place of the expression: an error in it would join their targets to one "
            "another."
        )
    if method == "trim":
        return "Singular values of the standardised matrix were capped at their median ([@cevid2020])."
    if method == "factors":
        share = sum(one["variance"] for one in factors)
        return (
            f"{wording.plural(len(factors), 'hidden common cause')}, with {share:.0%} of the variance of the "
            "genes, found by the criterion of the edges, entered every equation as covariates."
        )
    return "" if left is None else "Hidden causes of many genes were looked for; none was clear enough to be taken out."


def _screening(run: Run) -> str:
    options, mean = run.config.screen, run.fact("screen.mean")
    kept = f", {wording.decimal(mean, 1)} candidates per gene on average" if wording.is_number(mean) else ""
    again = " and those that a first search showed to be hubs" if options.augment else ""
    regulators = run.config.knowledge.regulators
    listed = " Only the genes of a regulator list could be causes." if regulators else ""
    if regulators in SHIPPED_REGULATORS:
        factors = f"Only {regulators} transcription factors with a profile in JASPAR 2026"
        listed = f" {factors} ([@rauluseviciute2024]) could be causes."
    return (
        f"Candidate causes of each gene were those found by forward selection ({options.forward_steps} steps) or among "
        f"the {options.partial} largest partial correlations (shrinkage {options.shrinkage}){again}{kept}.{listed}"
    )


def _relaxation(run: Run) -> str:
    search, options = run.card.search, run.config.fit
    if not run.is_relaxed:
        begin = "the empty graph" if search == "hill_climbing" else "a random order of the genes"
        return f"The search started from {begin}."
    path = f"along the central path mu = {', '.join(f'{value:g}' for value in options.mu)}"
    path = "by the augmented Lagrangian" if options.schedule == "lagrangian" else path
    given = {
        "order_search": "the starting order",
        "hill_climbing": "the order that the search kept to at first",
        "relaxation": "the network",
    }[search]
    return (
        f"On these candidates the {run.words.relaxation} was solved with {_acyclicity(options)} and "
        f"lambda1 = {options.lambda1:g} {path}; its solution gave {given}."
    )


def _acyclicity(options: Fit) -> str:
    whole = {  # forms that see cycles of any length
        "expm": "the trace of the matrix exponential as acyclicity function",
        "logdet": "the log-determinant as acyclicity function",
        "polynomial": "a polynomial acyclicity function",
        "spectral": "the spectral radius as acyclicity function",
    }
    if options.acyclicity in whole:
        return whole[options.acyclicity]
    space = f" in {options.rank} dimensions" if options.acyclicity == "lowrank" else ""
    return f"an acyclicity function truncated after {options.terms} powers{space} (compare [@zhang2022])"


def _search(run: Run) -> str:
    gamma, score = run.config.score.gamma, run.words.score
    rounds = f"followed by {run.config.search.perturbations} rounds of perturbation."
    noise = f" {run.words.noise}" if run.words.noise else ""
    said = {
        "order_search": "The order of the genes ([@teyssier2005]) and the causes of each gene were then chosen by "
        f"{score}, moving single genes until no move helped, {rounds}",
        "hill_climbing": f"Edges were added, dropped and reversed as long as that raised {score}, each cause charged "
        f"{gamma:g} log p, {rounds}",
        "relaxation": f"Its criterion was {score}; edges too weak to count and those that closed cycles were left out.",
    }[run.card.search]
    return f"{said}{noise}{_pruned(run)}"


def _pruned(run: Run) -> str:
    pruned = run.fact("order.pruned")
    return (
        f" {wording.plural(pruned, 'edge')} that an error of a tenth of the variance in a common cause explains "
        f"{'was' if pruned == 1 else 'were'} left out (compare [@buhlmann2014; @margolin2006])."
        if pruned
        else ""
    )


def _result(run: Run) -> str:
    total = counts(run)
    return (
        f"The resulting directed acyclic graph has {wording.plural(total['edges'], 'edge')}; the direction of "
        f"{wording.share(total['reversible'])} of them is not determined by the data ({run.words.directions})."
    )


def _resampling(run: Run) -> str:
    if not run.resamples:
        return "No resampling was done, so edges carry no measure of stability."
    fraction = run.config.resample.fraction
    return (
        f"The whole procedure, screening included, was repeated on {run.resamples} random subsamples of "
        f"{wording.share(fraction)} of the observations ([@meinshausen2010]; [@shah2013]); the stability of an edge is "
        f"the share of subsamples in which it was found again (median {wording.decimal(counts(run)['stability'])})."
    )


def _software(run: Run) -> str:
    return f"acyclome {run.fact('version')} was used with seed {run.config.seed}."
