"""Counts of molecules (UMI) that show a latent network: the graph is among latent values, counting comes after.

    y_gc ~ Poisson(mu_gc)   or   NB(mean mu_gc, variance mu_gc + a_g mu_gc^2)
    mu_gc = s_c m_g exp(k_g z_gc) / mean_c exp(k_g z_gc)

for gene g in cell c, with ``z`` the latent value of the gene in standard deviations, ``k`` how far it moves the log
mean, ``m`` the mean count of the gene and ``s`` log-normal size factors of mean 1: a law of counting on top of a law of
expression (Sarkar and Stephens 2021).  The same seed gives the same latent values at every depth, so values and counts
of one network can be compared.  For counts that cause counts, see :mod:`acyclome.evaluate.counts`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.evaluate.counts import log_normal_sizes
from acyclome.evaluate.mechanisms import TINY
from acyclome.evaluate.observations import Observed
from acyclome.evaluate.ranges import check_number, check_range


@dataclass(frozen=True)
class Umi:
    """Poisson counts of latent expression.

    Parameters
    ----------
    depth
        Range of the mean counts of genes, in molecules a cell; log-uniform. (0.5, 5) are well covered genes of droplet
        data, (0.1, 3) ordinary ones.
    spread
        Range of the standard deviation of the log mean that latent expression makes, uniform.
    size_spread
        Standard deviation of log size factors, at least 0.
    dominant
        Share of all counts that one gene carries, from 0 (none) to below 1; its own depth is set aside.
    is_normalized
        Whether the data are ``log(1 + y t / t_c)``, with ``t_c`` the total of the cell over these genes and ``t`` its
        mean; then what one gene gains all others lose, the more so the fewer there are and the more one dominates.

    Raises
    ------
    ValueError
        If a number lies outside its range.

    Examples
    --------
    Twenty independent genes, one of which carries half of each cell's counts:

    >>> from acyclome.evaluate.simulate import simulate
    >>> panel = simulate(20, 500, degree=0.0, observation=Umi(dominant=0.5, is_normalized=True))
    >>> panel.X.shape, panel.counts.shape, panel.latent.shape, panel.size.shape
    ((500, 20), (500, 20), (500, 20), (500,))
    """

    depth: tuple[float, float] = (0.5, 5.0)
    # Up to .8, as the effects of counts that cause counts: a gene then varies 2.2-fold about its mean.
    spread: tuple[float, float] = (0.3, 0.8)
    size_spread: float = 0.3
    dominant: float = 0.0
    is_normalized: bool = False
    is_counted = True

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_range("depth", self.depth)
        check_range("spread", self.spread)
        check_number("size_spread", self.size_spread, 0.0)
        check_number("dominant", self.dominant, 0.0, 1.0)

    def observe(self, latent: np.ndarray, rng: np.random.Generator) -> Observed:
        """Count molecules; latent values and counts are ``(d, n)``."""
        d, n = latent.shape
        low, high = np.log(self.depth)
        depth = np.exp(rng.uniform(low, high, size=d))
        spread = rng.uniform(*self.spread, size=(d, 1))
        size, dominant = log_normal_sizes(n, self.size_spread, rng), int(rng.integers(d))
        if self.dominant:
            depth[dominant] = self.dominant / (1.0 - self.dominant) * np.delete(depth, dominant).sum()
        z = latent - latent.mean(axis=1, keepdims=True)
        fold = np.exp(spread * z / np.maximum(z.std(axis=1, keepdims=True), TINY))
        mean = size * depth[:, None] * fold / fold.mean(axis=1, keepdims=True)
        counts = self.counted(mean, rng).astype(float)
        return Observed(normalized(counts) if self.is_normalized else counts, counts, size)

    def counted(self, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw counts of these means ``(d, n)``."""
        return rng.poisson(mean)


@dataclass(frozen=True)
class DispersedUmi(Umi):
    """Negative binomial counts of latent expression: as :class:`Umi`, with dispersions uniform in a range."""

    dispersion: tuple[float, float] = (0.1, 0.5)  # as of counts that cause counts

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        super().__post_init__()
        check_range("dispersion", self.dispersion)

    def counted(self, mean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a dispersion for each gene, and counts."""
        a = rng.uniform(*self.dispersion, size=(len(mean), 1))
        return rng.negative_binomial(1.0 / a, 1.0 / (1.0 + a * mean))


COUNT_LAWS: dict[str, type[Umi]] = {"poisson": Umi, "negative-binomial": DispersedUmi}


def normalized(counts: np.ndarray) -> np.ndarray:
    """Bring every cell of counts ``(d, n)`` to the mean total, then take ``log(1 + y)``; empty cells stay empty."""
    totals = counts.sum(axis=0)
    return np.log1p(counts * (totals.mean() / np.maximum(totals, 1.0)))
