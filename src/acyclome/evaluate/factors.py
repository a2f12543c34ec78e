"""Hidden factors of cell state, batch or depth, which move many genes at once.

    x = x W + F (L - L W) + noise,   so that   x = (noise) (I - W)^-1 + F L

with scores ``F`` (observations x factors) and loadings ``L`` (factors x genes): a factor with loading ``l`` on a gene
moves it by ``l`` in all, directly and through its parents.  The graph among genes is what it was: factors are not
observed, and are causes of what they load on (Cevid, Buhlmann and Meinshausen 2020 call them hidden confounders).
Where one does not load on a gene, that gene still inherits it from its parents; with a mechanism that is not linear it
does not, and factors then act on what is seen of each gene, as batch and depth do, not on what its targets see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from acyclome.evaluate.mechanisms import TINY, Structure
from acyclome.evaluate.ranges import check_name, check_number, check_positive

# Shares are Beta(6 m, 6 (1 - m)): in DREAM5 E. coli five components hold .48 of a gene's variance, deviation .18.
CONCENTRATION = 6.0
# Factor k takes 1/k as much as the first: of 20, the first five then have .63 of what all have. In compendia of
# bacteria, five components have .64 to .73 of what twenty have (DREAM5 E. coli, PRECISE, B. subtilis).
DECAY = 1.0
LEAST = 0.1  # of what a gene is to have of factors, its own loadings bring, whatever it inherits; by eye
LARGEST = 0.99  # share of a gene, so that something of every gene is left
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def _normal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.standard_normal(shape)


def _halves(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.permuted(np.broadcast_to(np.where(np.arange(shape[0]) % 2, 1.0, -1.0)[:, None], shape), axis=0)


# Law of the scores (observations x factors), and of the loadings (genes x factors) before they are scaled.
FACTOR_KINDS: dict[str, tuple[Draw, Draw]] = {
    "state": (_normal, _normal),  # continuous, up here and down there
    "batch": (_halves, _normal),  # two batches a factor
    "depth": (_normal, lambda _, shape: np.ones(shape)),  # all genes rise together
}


@dataclass(frozen=True)
class Factors:
    """Hidden common causes of many genes.

    Parameters
    ----------
    number
        How many, at least 0.
    share
        Mean share of a gene's variance that factors take, above 0 and at most .99. Shares of single genes follow a
        beta law about it; a gene that inherits more than its share has more, one that none loads on what it inherits.
    coverage
        Share of the genes that each factor loads on, drawn for each factor anew, above 0 and at most 1.
    kind
        A name of `FACTOR_KINDS`. state: continuous, with loadings of either sign; batch: every factor splits the
        observations in two; depth: all loadings positive.

    Raises
    ------
    ValueError
        If the kind is unknown or a number lies outside its range.

    Examples
    --------
    A spectrum like that of E. coli compendia, where 20 components hold three quarters of the variance:

    >>> from acyclome.evaluate.simulate import simulate
    >>> drawn = simulate(1000, 200, graph="hub", factors=Factors(20, share=0.75))
    >>> drawn.factor_scores.shape, drawn.loadings.shape
    ((200, 20), (1000, 20))
    """

    number: int = 5
    share: float = 0.5
    coverage: float = 1.0
    kind: str = "state"

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_number("the number of factors", self.number, 0)
        check_name("the kind of factors", self.kind, FACTOR_KINDS)
        check_positive("the share of factors", self.share, LARGEST)
        check_positive("the coverage of factors", self.coverage, 1.0)

    def scores(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the scores ``(n, number)``, mean 0 and variance 1 in this sample."""
        drawn = FACTOR_KINDS[self.kind][0](rng, (n, self.number))
        return (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)

    def loadings(
        self, variance: np.ndarray, structure: Structure, weight: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw the loadings ``(d, number)`` of genes in the order.

        `variance` (d,) is that of each gene without factors, `weight` (m,) what each edge of the structure passes on.
        """
        shape = (variance.size, self.number)
        share = rng.beta(CONCENTRATION * self.share, CONCENTRATION * (1.0 - self.share), shape[0]).clip(max=LARGEST)
        drawn = FACTOR_KINDS[self.kind][1](rng, shape) / np.sqrt(np.arange(1, shape[1] + 1) ** DECAY)
        covered = rng.random(shape).argsort(axis=0) < max(1, round(self.coverage * shape[0]))
        found = np.zeros(shape)
        for j, rows in structure.families():
            inherited = np.where(covered[j], 0.0, weight[rows] @ found[structure.pairs[rows, 0]])
            own = np.where(covered[j], drawn[j], 0.0)
            wanted = share[j] / (1.0 - share[j]) * variance[j]
            square = max(wanted - float(inherited @ inherited), LEAST * wanted)
            found[j] = inherited + own * np.sqrt(square / max(float(own @ own), TINY))
        return found


NO_FACTORS = Factors(number=0)
