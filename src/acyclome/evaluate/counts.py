"""A network of negative binomial counts: what single cells would show if every cause acted on the log mean.

    y_j ~ NB(mean s exp(b_j + f_j), variance mean + a_j mean^2),   f_j = sum_i w_ij z_i

with ``z_i`` the standardized ``log(1 + y_i / s)`` of the causes: a gene acts by what is seen of it.  Size factors ``s``
are log-normal of mean 1, means ``exp(b_j)`` log-uniform, dispersions ``a_j`` uniform.  The weights of every gene are
scaled so that ``f_j`` has a standard deviation drawn from a range, which keeps counts bounded at any depth.  Of such
laws, whose variance is tied to the mean, the graph is identifiable (Park and Raskutti 2018).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Counts of the genes worth learning from: below 1 most are 0, from some 30 on logarithms do as well.
MEANS = (1.0, 30.0)
DISPERSIONS = (0.1, 0.5)  # a standard deviation of .3 to .7 of the mean beyond that of Poisson counts
SIZE_SPREAD = 0.3  # of log size factors; with these three every table of docs/results/counts.md was made
_TINY = 1e-12  # where an effect or a gene does not vary, nothing is divided by nothing


class Counts(NamedTuple):
    """Drawn counts ``(d, n)``, final weights ``(m,)``, roots of the dispersions ``(d,)``, size factors ``(n,)``."""

    Y: np.ndarray
    weight: np.ndarray
    scale: np.ndarray
    size: np.ndarray


def draw_counts(
    pairs: np.ndarray,
    weight: np.ndarray,
    spread: np.ndarray,
    n: int,
    rng: np.random.Generator,
    of_genes: np.random.Generator,
) -> Counts:
    """Draw counts along an order.

    `pairs` (m, 2) are edges between positions in the order, by target, `weight` (m,) their weights before scaling,
    `spread` (d,) the standard deviation of the part of every gene's log mean that its parents make. `rng` draws the
    observations, `of_genes` means and dispersions.
    """
    d, weight = len(spread), weight.copy()
    base = np.log(MEANS[0]) + np.log(MEANS[1] / MEANS[0]) * of_genes.random(d)
    dispersion = of_genes.uniform(*DISPERSIONS, size=d)
    size = np.exp(SIZE_SPREAD * rng.standard_normal(n) - SIZE_SPREAD**2 / 2)
    Y, Z = np.empty((d, n)), np.empty((d, n))
    bounds = np.searchsorted(pairs[:, 1], np.arange(d + 1))
    for j in range(d):
        rows = slice(bounds[j], bounds[j + 1])
        effect = weight[rows] @ Z[pairs[rows, 0]]
        factor = spread[j] / max(float(effect.std()), _TINY)
        weight[rows] *= factor
        mean = size * np.exp(base[j] + factor * effect)
        Y[j] = rng.negative_binomial(1.0 / dispersion[j], 1.0 / (1.0 + dispersion[j] * mean))
        seen = np.log1p(Y[j] / size)
        Z[j] = (seen - seen.mean()) / max(float(seen.std()), _TINY)
    return Counts(Y, weight, np.sqrt(dispersion), size)
