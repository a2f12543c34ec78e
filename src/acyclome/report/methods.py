"""A methods paragraph with the numbers of the run filled in, and the papers it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from acyclome.report import wording
from acyclome.report.source import Run
from acyclome.report.summary import counts, data_name


@dataclass(frozen=True)
class Reference:
    """A paper: how the text cites it, its full entry, and its address."""

    cite: str
    entry: str
    link: str


NOTEARS = Reference(
    "Zheng et al., 2018",
    "Zheng X, Aragam B, Ravikumar P, Xing EP (2018). DAGs with NO TEARS: continuous optimization for structure "
    "learning. Advances in Neural Information Processing Systems 31.",
    "https://arxiv.org/abs/1803.01422",
)
SERIES = Reference(
    "Zhang et al., 2022",
    "Zhang Z, Ng I, Gong D, Liu Y, Abbasnejad E, Gong M, Zhang K, Shi JQ (2022). Truncated matrix power iteration for "
    "differentiable DAG learning. Advances in Neural Information Processing Systems 35.",
    "https://arxiv.org/abs/2208.14571",
)
ORDER = Reference(
    "Teyssier and Koller, 2005",
    "Teyssier M, Koller D (2005). Ordering-based search: a simple and effective algorithm for learning Bayesian "
    "networks. Uncertainty in Artificial Intelligence 21.",
    "https://arxiv.org/abs/1207.1429",
)
EXTENDED_BIC = Reference(
    "Chen and Chen, 2008",
    "Chen J, Chen Z (2008). Extended Bayesian information criteria for model selection with large model spaces. "
    "Biometrika 95(3): 759-771.",
    "https://doi.org/10.1093/biomet/asn034",
)
EQUAL_VARIANCE = Reference(
    "Peters and Bühlmann, 2014",
    "Peters J, Bühlmann P (2014). Identifiability of Gaussian structural equation models with equal error variances. "
    "Biometrika 101(1): 219-228.",
    "https://doi.org/10.1093/biomet/ast043",
)
CLASSES = Reference(
    "Chickering, 1995",
    "Chickering DM (1995). A transformational characterization of equivalent Bayesian network structures. "
    "Uncertainty in Artificial Intelligence 11.",
    "https://arxiv.org/abs/1302.4938",
)
STABILITY = Reference(
    "Meinshausen and Bühlmann, 2010",
    "Meinshausen N, Bühlmann P (2010). Stability selection. Journal of the Royal Statistical Society B 72(4): 417-473.",
    "https://doi.org/10.1111/j.1467-9868.2010.00740.x",
)
PAIRS = Reference(
    "Shah and Samworth, 2013",
    "Shah RD, Samworth RJ (2013). Variable selection with error control: another look at stability selection. "
    "Journal of the Royal Statistical Society B 75(1): 55-80.",
    "https://doi.org/10.1111/j.1467-9868.2011.01034.x",
)
SORTABILITY = Reference(
    "Reisach et al., 2021",
    "Reisach AG, Seiler C, Weichwald S (2021). Beware of the simulated DAG! Causal discovery benchmarks may be easy "
    "to game. Advances in Neural Information Processing Systems 34.",
    "https://arxiv.org/abs/2102.13647",
)


INTERVENTIONS = Reference(
    "Hauser and Buhlmann, 2012",
    "Hauser A, Buhlmann P (2012). Characterization and greedy learning of interventional Markov equivalence classes of "
    "directed acyclic graphs. Journal of Machine Learning Research 13: 2409-2464.",
    "https://www.jmlr.org/papers/v13/hauser12a.html",
)


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
    used = [ORDER, EXTENDED_BIC, CLASSES]
    if run.option("fit.relax", True):
        truncated = run.option("fit.acyclicity", "series") in ("series", "lowrank")
        used = [NOTEARS, *([SERIES] if truncated else []), *used]
    if run.option("score.noise", "unequal") == "equal":
        used.append(EQUAL_VARIANCE)
    if run.fact("perturbation"):
        used.append(INTERVENTIONS)
    return [*used, *([STABILITY, PAIRS] if run.resamples else []), SORTABILITY]


def _data(run: Run) -> str:
    found = counts(run)
    return (
        f"A causal gene network was learned from the expression of {wording.plural(found['genes'], 'gene')} in "
        f"{wording.plural(found['observations'] or 0, 'observation')} ({data_name(run)}) with a linear structural "
        f"equation model, every gene scaled to unit variance.{_interventions(run)}"
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
    if not run.option("fit.relax", True):
        return "The search started from a random order of the genes."
    mu = ", ".join(f"{value:g}" for value in run.option("fit.mu", []))
    path = f" along the central path mu = {mu}" if mu else ""
    return (
        f"On these candidates the NOTEARS problem ({NOTEARS.cite}) was solved with {_acyclicity(run)} and "
        f"lambda1 = {run.option('fit.lambda1', 0.02):g}{path}; its solution gave the starting order."
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
    gamma, rounds = run.option("score.gamma", 1.0), run.option("score.restarts", 8)
    noise = (
        f"equal noise variances ({EQUAL_VARIANCE.cite})"
        if run.option("score.noise", "unequal") == "equal"
        else "gene-wise noise variances"
    )
    return (
        f"The order of the genes ({ORDER.cite}) and the causes of each gene were then chosen by the extended Bayesian "
        f"information criterion ({EXTENDED_BIC.cite}; gamma = {gamma:g}) with {noise}, moving single genes until no "
        f"move helped, followed by {rounds} rounds of perturbation."
    )


def _result(run: Run) -> str:
    found = counts(run)
    return (
        f"The resulting directed acyclic graph has {wording.plural(found['edges'], 'edge')}; the direction of "
        f"{wording.share(found['reversible'])} of them is not determined by the data (Markov equivalence; "
        f"{CLASSES.cite})."
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
