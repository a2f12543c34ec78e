"""Depth: what makes the counts of an observation larger or smaller together, told from what each gene does by itself.

Totals of many genes measure depth.  Totals of few genes, or of one that holds most counts, are those genes themselves:
divided by them, independent genes are bound to one another (with ``d`` equal genes by a correlation of ``-1 / (d-1)``).
So for few genes depth is measured with what is known of its error.  With ``a_g`` the counts of gene ``g`` over their
mean, and ``s`` the depth, of mean 1,

    a_g = s (1 + own_g),   cov(a_g, a_h) = var(s)   for genes that are independent given the depth.

``var(s)`` is the median of these covariances over all pairs, each weighted by its precision: a sparse network moves few
of them.  Without depth it is 0, however strongly single genes vary, and nothing is normalised.  The best linear
estimate of ``s`` weights genes by ``1 / (var(a_g) - var(s))``, so a gene that varies by itself carries little of it,
however many of the counts it has.

What is taken out of the genes is a part of the estimate, for it holds their own noise.  If a share ``r`` of its
variance is depth, then with ``1 - sqrt(1 - r)`` of the regression on it taken out, what depth leaves and what the noise
of the estimate brings cancel in the covariance of any two independent genes (the square root of a matrix ``D + l l'``).
With all of it, as totals do, the noise binds them; with none, depth does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from acyclome.errors import examples
from acyclome.prepare.matrix import Matrix, dense
from acyclome.prepare.streamed import held, mean_squares, sums_of_cells, sums_of_genes
from acyclome.wording import plural

DOMINANT = (
    0.05  # share of all counts from which a gene is left out of totals: max_fraction of scanpy.pp.normalize_total
)
# Below, the genes are a panel.  At 300 and 500 independent genes totals still joined some; whole transcriptomes have
# thousands, and are scaled as everywhere.
PANEL = 1_000
LEAST_EFFECTIVE = 50.0  # genes, below which totals bind by .02 and more, whatever their number; blood cells have 230
LEAST_GENES = 10  # 45 pairs: the median of fewer may be that of the network
PAIRED = 500  # genes whose pairs are looked at: 125,000 pairs, more than the median needs
ERRORS = 3.0  # standard errors from which depth is there; less is weaker than what any one pair could show


@dataclass(frozen=True)
class Depth:
    """How much the depth varies, and its estimate for every observation."""

    log_size: np.ndarray  # (n,) log of the estimate, of mean 0
    variance: float  # of depth, of mean 1
    standard_error: float
    share: float  # of the variance of the estimate, that is depth

    @property
    def is_there(self) -> bool:
        return self.variance > ERRORS * self.standard_error

    @property
    def size(self) -> np.ndarray:
        """Size factors ``(n,)`` of mean 1, shrunken so that counts over them are not bound to one another."""
        return _of_mean_one(np.exp(taken(self.share) * self.log_size)) if self.is_there else np.ones(len(self.log_size))


@dataclass(frozen=True)
class Totals:
    """What a matrix of counts says of its totals."""

    sums: np.ndarray  # (n,) counts of every observation, dominant genes aside
    dominant: np.ndarray  # genes with a share above DOMINANT
    effective: float  # genes that carry the sums: 1 / sum of squared shares
    depth: Depth | None  # where genes are too few for totals; None where they are not, or too few for this too
    n_genes: int

    @classmethod
    def of(cls, X: Matrix) -> Totals:
        """Judge the totals of counts ``(d, n)``."""
        d = X.shape[0]
        mean = sums_of_genes(X) / X.shape[1]
        dominant = np.flatnonzero(mean > DOMINANT * mean.sum())
        kept = np.ones(d, bool)
        if d >= PANEL:  # of few genes each may have such a share, and none of them is the exception
            kept[dominant] = False
        sums = sums_of_cells(X if kept.all() else X[kept])
        effective = float(mean[kept].sum() ** 2 / np.square(mean[kept]).sum())
        is_panel = d < PANEL or effective < LEAST_EFFECTIVE
        depth = measure(X) if is_panel and d >= LEAST_GENES else None
        return cls(sums, dominant if d >= PANEL else dominant[:0], effective, depth, d)

    @property
    def suffice(self) -> bool:
        """Whether the totals may be divided by."""
        return self.n_genes >= PANEL and self.effective >= LEAST_EFFECTIVE

    @property
    def size(self) -> np.ndarray:
        """Size factors ``(n,)`` of mean 1."""
        if self.suffice:
            return _of_mean_one(self.sums)
        return np.ones(len(self.sums)) if self.depth is None else self.depth.size

    @property
    def depths(self) -> np.ndarray:
        """Depths ``(n,)`` above 0, as far as they are there, not shrunken as `size` is but as spread as depth is."""
        if self.suffice:
            return np.maximum(self.sums, self.sums[self.sums > 0].min())
        if self.depth is None or not self.depth.is_there:
            return np.ones(len(self.sums))
        found: np.ndarray = np.exp(np.sqrt(self.depth.share) * self.depth.log_size)
        return found

    def text(self, genes: np.ndarray) -> str:
        """Say what was decided, and why."""
        if self.suffice:
            return f"totals, {self.aside(genes)}" if len(self.dominant) else "totals"
        few = f"{self.effective:.0f} genes carry the totals, which would bind them to one another"
        if self.depth is None:
            return f"no size factors: {few}, and {self.n_genes} are too few to tell depth from what they do themselves"
        found, error = self.depth.variance, self.depth.standard_error
        if not self.depth.is_there:
            return (
                f"no size factors: {few}, and they vary no more than counts of independent genes do (variance of depth "
                f"{found:.4f}, standard error {error:.4f})"
            )
        return (
            f"{few}; instead {taken(self.depth.share):.0%} of a common depth taken out (variance {found:.4f}, standard "
            f"error {error:.4f})"
        )

    def aside(self, genes: np.ndarray) -> str:
        """Name the dominant genes."""
        return f"genes with more than {DOMINANT:.0%} of all counts aside ({examples(list(genes[self.dominant]))})"

    def warnings(self) -> list[str]:
        """Return what a user has to know: that depth could not be told from the genes."""
        if self.suffice or self.depth is not None:
            return []
        return [
            f"{plural(self.n_genes, 'gene|s is|are')} too few to tell depth from what they do themselves, and their "
            "totals would bind them to one another: nothing was normalised, and edges may stand for depth. Normalise "
            "with all genes that were measured before some are chosen."
        ]

    def facts(self) -> Mapping[str, Any]:
        """Return what is recorded."""
        found = {"method": "totals" if self.suffice else "none", "effective_genes": self.effective}
        if self.depth is not None:
            found |= {"depth_variance": self.depth.variance, "depth_standard_error": self.depth.standard_error}
            found |= {"method": "depth", "taken": taken(self.depth.share)} if self.depth.is_there else {}
        return found


def measure(X: Matrix) -> Depth:
    """Estimate the depth of every observation from counts ``(d, n)``; see the module's text."""
    X = held(X)
    mean = sums_of_genes(X) / X.shape[1]
    X, mean = X[mean > 0], mean[mean > 0]
    spread = mean_squares(X) / mean**2 - 1.0  # var(a_g)
    best = np.argsort(spread, kind="stable")[:PAIRED]
    A = dense(X[np.sort(best)]).astype(np.float64) / mean[np.sort(best)][:, None] - 1.0
    scale = np.sqrt(np.maximum(spread[np.sort(best)], np.finfo(np.float32).eps))
    variance, standard_error = _common(A, scale)
    # What a gene does by itself has at least the variance of Poisson counts.
    precision = 1.0 / np.maximum(spread - max(variance, 0.0), 1.0 / mean)
    estimate = np.asarray(X.T @ (precision / mean)).ravel() / precision.sum()
    seen = estimate > 0
    log_size = np.log(np.where(seen, estimate, estimate[seen].min()))  # empty ones are as the emptiest of the others
    share = max(variance, 0.0) / (max(variance, 0.0) + 1.0 / precision.sum())
    return Depth(log_size - log_size.mean(), variance, standard_error, share)


def taken(share: float) -> float:
    """Return the part of the regression on an estimate of depth that is taken out: ``1 - sqrt(1 - share)``."""
    return 1.0 - float(np.sqrt(1.0 - share))


def beside(Q: np.ndarray | None, X: Matrix, log_size: np.ndarray) -> np.ndarray:
    """Return ``(n, p + 2)`` columns: covariates ``Q``, orthonormal (None: the intercept), the curve of depth, its line.

    The logarithm of a small count is no straight line of log depth; its curve is taken out whole.  Of the line a part
    is taken out, by the share of depth in it, which is found as in :func:`measure`, from values ``X`` ``(d, n)``. So
    the first column has the root of that part as its length.
    """
    Q = np.full((len(log_size), 1), len(log_size) ** -0.5) if Q is None else Q
    basis = np.linalg.qr(np.column_stack([Q, np.square(log_size), log_size]))[0]
    curve, line = basis[:, -2], basis[:, -1] * np.sign(basis[:, -1] @ log_size)
    others = basis[:, :-1]
    loading = np.asarray(X @ line).ravel()
    left = mean_squares(X) * X.shape[1] - np.sum(np.asarray(X @ others) ** 2, axis=1)
    seen = np.flatnonzero((loading > 0) & (left > 0))  # depth lowers no count
    best = np.sort(seen[np.argsort(-(loading[seen] ** 2) / left[seen], kind="stable")[:PAIRED]])
    rows = dense(X[best]).astype(np.float64)
    unit = np.sqrt(len(line)) / loading[best]  # so that depth, as far as it is in the line, is one for all genes
    share, _ = _common((rows - (rows @ others) @ others.T) * unit[:, None], np.sqrt(left[best]) / loading[best])
    return np.column_stack([Q, curve, np.sqrt(taken(min(max(share, 0.0), 1.0))) * line])


def _common(A: np.ndarray, scale: np.ndarray) -> tuple[float, float]:
    """Return the median covariance of two rows of ``A`` ``(d, n)``, weighted by precision, and its standard error.

    ``scale`` ``(d,)`` is the standard deviation of the rows.
    """
    i, j = np.triu_indices(len(scale), 1)
    if len(i) == 0:
        return 0.0, np.inf
    values, weight = (A @ A.T)[i, j] / A.shape[1], 1.0 / (scale[i] * scale[j])
    line = np.argsort(values, kind="stable")
    upto = np.cumsum(weight[line])
    median = float(values[line][np.searchsorted(upto, upto[-1] / 2)])
    # That of a median of independent normal values is sqrt(pi / 2) times that of their mean.
    return median, float(np.sqrt(np.pi / 2 * len(i) / A.shape[1]) / weight.sum())


def _of_mean_one(sizes: np.ndarray) -> np.ndarray:
    found: np.ndarray = sizes / sizes.mean()
    return found
