"""The papers that the page rests on, and how texts cite them: by ``[@key]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

CITATION = re.compile(r"\[@(\w+)\]")


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
CROSS_VALIDATION = Reference(
    "Breiman et al., 1984",
    "Breiman L, Friedman JH, Olshen RA, Stone CJ (1984). Classification and regression trees. Wadsworth.",
    "https://doi.org/10.1201/9781315139470",
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
NOTEARS_MLP = Reference(
    "Zheng et al., 2020",
    "Zheng X, Dan C, Aragam B, Ravikumar P, Xing EP (2020). Learning sparse nonparametric DAGs. International "
    "Conference on Artificial Intelligence and Statistics 23.",
    "https://arxiv.org/abs/1909.13189",
)
NO_BEARS = Reference(
    "Lee et al., 2019",
    "Lee HC, Danieletto M, Miotto R, Cherng ST, Dudley JT (2019). Scaling structural learning with NO-BEARS to infer "
    "causal transcriptome networks. Pacific Symposium on Biocomputing 25: 391-402.",
    "https://arxiv.org/abs/1911.00081",
)
NONLINEAR = Reference(
    "Peters et al., 2014",
    "Peters J, Mooij JM, Janzing D, Schölkopf B (2014). Causal discovery with continuous additive noise models. "
    "Journal of Machine Learning Research 15: 2009-2053.",
    "https://jmlr.org/papers/v15/peters14a.html",
)
LINGAM = Reference(
    "Shimizu et al., 2006",
    "Shimizu S, Hoyer PO, Hyvärinen A, Kerminen A (2006). A linear non-Gaussian acyclic model for causal discovery. "
    "Journal of Machine Learning Research 7: 2003-2030.",
    "https://www.jmlr.org/papers/v7/shimizu06a.html",
)
ENTROPY = Reference(
    "Hyvärinen, 1998",
    "Hyvärinen A (1998). New approximations of differential entropy for independent component analysis and projection "
    "pursuit. Advances in Neural Information Processing Systems 10: 273-279.",
    "https://papers.nips.cc/paper/1408",
)
EVIDENCE = Reference(
    "Rasmussen and Williams, 2006",
    "Rasmussen CE, Williams CKI (2006). Gaussian Processes for Machine Learning. MIT Press.",
    "https://gaussianprocess.org/gpml/",
)
INTERVENTIONS = Reference(
    "Hauser and Buhlmann, 2012",
    "Hauser A, Buhlmann P (2012). Characterization and greedy learning of interventional Markov equivalence classes of "
    "directed acyclic graphs. Journal of Machine Learning Research 13: 2409-2464.",
    "https://www.jmlr.org/papers/v13/hauser12a.html",
)
OVERDISPERSION = Reference(
    "Park and Raskutti, 2018",
    "Park G, Raskutti G (2018). Learning quadratic variance function (QVF) DAG models via overdispersion scoring "
    "(ODS). Journal of Machine Learning Research 18(224): 1-44.",
    "https://jmlr.org/papers/v18/17-243.html",
)
PAPERS = {
    "zheng2018": NOTEARS,
    "zhang2022": SERIES,
    "teyssier2005": ORDER,
    "chen2008": EXTENDED_BIC,
    "peters2014equal": EQUAL_VARIANCE,
    "chickering1995": CLASSES,
    "breiman1984": CROSS_VALIDATION,
    "meinshausen2010": STABILITY,
    "shah2013": PAIRS,
    "reisach2021": SORTABILITY,
    "zheng2020": NOTEARS_MLP,
    "lee2019": NO_BEARS,
    "peters2014": NONLINEAR,
    "shimizu2006": LINGAM,
    "hyvarinen1998": ENTROPY,
    "rasmussen2006": EVIDENCE,
    "hauser2012": INTERVENTIONS,
    "park2018": OVERDISPERSION,
}


def cite(text: str) -> str:
    """Return a text with authors and years in the place of keys."""
    return CITATION.sub(lambda found: PAPERS[found[1]].cite, text)


def cited(text: str) -> list[Reference]:
    """Return the papers that a text cites, in the order of first use."""
    return [PAPERS[key] for key in dict.fromkeys(CITATION.findall(text))]
