"""A network of negative binomial counts: what single cells would show if every cause acted on the log mean.

    y_j ~ NB(mean s exp(b_j + f_j), variance mean + a_j mean^2),   f_j = sum_i w_ij z_i

with ``z_i`` the standardized ``log(1 + y_i / s)`` of the causes: a gene acts by what is seen of it.  Size factors ``s``
are log-normal of mean 1, means ``exp(b_j)`` log-uniform, dispersions ``a_j`` uniform.  The weights of every gene are
scaled so that ``f_j`` has a standard deviation drawn from a range, which keeps counts bounded at any depth.  Of such
laws, whose variance is tied to the mean, the graph is identifiable (Park and Raskutti 2018).

Here counts cause counts; where counts only show a latent network, see :mod:`acyclome.evaluate.umi`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from acyclome.evaluate.mechanisms import TINY, Expression, Structure

# Counts of the genes worth learning from: below 1 most are 0, from some 30 on logarithms do as well.
MEANS = (1.0, 30.0)
DISPERSIONS = (0.1, 0.5)  # a standard deviation of .3 to .7 of the mean beyond that of Poisson counts
SIZE_SPREAD = 0.3  # of log size factors; with these three every table of docs/results/counts.md was made


@dataclass(frozen=True)
class CountNetwork:
    """Counts that cause counts; `share` is the standard deviation of the log mean that parents make."""

    is_linear = False

    def draw(self, structure: Structure, rng: Mapping[str, np.random.Generator]) -> Expression:
        """Draw counts along the order; the scale given back holds the roots of the dispersions."""
        n, d, of_genes = structure.n, structure.scale.size, rng["scales"]
        spread, weight = structure.parent_share, structure.weight.copy()
        base = np.log(MEANS[0]) + np.log(MEANS[1] / MEANS[0]) * of_genes.random(d)
        dispersion = of_genes.uniform(*DISPERSIONS, size=d)
        size = log_normal_sizes(n, SIZE_SPREAD, rng["noise"])
        Y, Z = np.empty((d, n)), np.empty((d, n))
        for j, rows in structure.families():
            effect = weight[rows] @ Z[structure.pairs[rows, 0]]
            factor = spread[j] / max(float(effect.std()), TINY)
            weight[rows] *= factor
            mean = size * np.exp(base[j] + factor * effect)
            Y[j] = rng["noise"].negative_binomial(1.0 / dispersion[j], 1.0 / (1.0 + dispersion[j] * mean))
            seen = np.log1p(Y[j] / size)
            Z[j] = (seen - seen.mean()) / max(float(seen.std()), TINY)
        return Expression(Y, weight, np.sqrt(dispersion), size)


def log_normal_sizes(n: int, spread: float, rng: np.random.Generator) -> np.ndarray:
    """Draw size factors ``(n,)`` of mean 1, `spread` the standard deviation of their logarithm."""
    return np.exp(spread * rng.standard_normal(n) - spread**2 / 2)
