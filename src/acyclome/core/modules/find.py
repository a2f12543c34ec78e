"""Modules of genes: few modules a gene, few genes a module, each with an activity in every observation.

    x_j = sum_k L_jk m_k + e_j,     e_j independent of variance psi_j

Learned modules start from independent components over genes (:mod:`.rotation`); visible ones, of which a set of genes
is given, from the first principal component of their set.  Every gene then chooses its modules by the extended BIC,
where a link into a visible module from outside its set costs more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from acyclome.core.data.deconfounding import standardized_rows
from acyclome.core.modules.rotation import independent_loadings, scores_of
from acyclome.core.modules.sparse_regression import select

# Members of a module (see :func:`_members`), of which it has four at least: with fewer only half as many were enriched
# for a set. On DREAM5, B. subtilis and S. aureus, whole and in parts, members by what is explained (.4) alone brought
# 92 regulons and .75 of the modules enriched for one, these 102 and .77; OUT of 4 to 6 and SHARED of .25 to .35 brought
# 100 to 102 and .75 to .79. What is explained beside other modules shares the genes of a regulon out among them.
MEMBER, SHARED, OUT, WIDE, FEWEST = 0.4, 0.3, 5.0, 0.1, 4
NORMAL = 0.6745  # median of the absolute values of a normal distribution of variance 1
LEAST_UNIQUE = 0.05  # of a variance; as rounds of EM would drive a gene that is its module to 0 (Heywood's case)
DIMENSIONS = 0.75  # of the observations, of components at most: what is beyond is noise of single arrays
# Half-samples, and the cosine of squared loadings with those there from which a module is kept. Squared, as in loadings
# themselves the noise of all other genes is most: on DREAM5, B. subtilis and S. aureus, whole and in parts, .35 brought
# 92 regulons with .76 of the modules enriched for one, and .3 of loadings that are not squared 93 with .73.
HALVES, STABLE = 8, 0.35
BLOCK = 512  # genes whose correlations are held at once; 40 MB at 10,000 genes
# Correlation of activities from which a learned module is a visible one over again. Sets share genes: where half of the
# regulons of two compendia were visible, .7 recovered fewer of the others than without (68 for 86), .9 as many (88).
SAME = 0.9


class Prices(NamedTuple):
    """What accuracy, causality and modularity cost, each in prices of the extended BIC."""

    loadings: float = 1.0  # of a link from a module to a gene: fewer predict less, and are read sooner
    edges: float = 1.0  # of an edge into a module, beyond what its coefficient costs
    outside: float = 3.0  # of a link from outside a set to its module, over that of a loading; chosen by eye


PRICES = Prices()


@dataclass(frozen=True)
class Modules:
    """Modules of ``d`` genes.

    Parameters
    ----------
    loadings
        ``(d, K)``, what a standard deviation of each module adds to each gene, in standard deviations of the gene.
    unique
        ``(d,)`` share of its variance that modules leave of each gene.
    scores
        ``(K, n)`` activities: weighted least squares of the genes, of variance above 1 by what is uncertain of them.
    set_of
        ``(K,)`` the set that each follows, -1 of those that were learned.
    stability
        ``(K,)`` mean cosine of squared loadings with those of the nearest module of half-samples; 1 of visible ones.
    members
        ``(d, K)`` bool, the genes that it is named by.
    """

    loadings: np.ndarray
    unique: np.ndarray
    scores: np.ndarray
    set_of: np.ndarray
    stability: np.ndarray
    members: np.ndarray

    @property
    def n_modules(self) -> int:
        return self.loadings.shape[1]

    @property
    def main(self) -> np.ndarray:
        """The module that explains most of each gene, ``(d,)``; -1 of genes without any."""
        if not self.n_modules:
            return np.full(len(self.loadings), -1)
        largest: np.ndarray = np.where(self.loadings.any(axis=1), np.abs(self.loadings).argmax(axis=1), -1)
        return largest

    def weights(self) -> np.ndarray:
        """Return the weights ``(K, d)`` with which genes make the scores: Bartlett's, without bias."""
        weighed = self.loadings.T / self.unique
        precision = weighed @ self.loadings
        # A module that two others make up has no score of its own; the ridge decides, a hundredth of a gene's worth.
        out: np.ndarray = np.linalg.solve(precision + 0.01 * np.eye(len(precision)), weighed)
        return out

    def kept(self, which: np.ndarray) -> Modules:
        """Return some of the modules, by positions or bool."""
        return replace(
            self,
            loadings=self.loadings[:, which],
            scores=self.scores[which],
            set_of=self.set_of[which],
            stability=self.stability[which],
            members=self.members[:, which],
        )


@dataclass(frozen=True)
class Visible:
    """Sets that modules follow, ``(d, s)`` bool."""

    sets: np.ndarray

    @classmethod
    def none(cls, n_genes: int) -> Visible:
        return cls(np.zeros((n_genes, 0), bool))

    def scores(self, Z: np.ndarray) -> np.ndarray:
        """Return the first principal component of the genes of each set, ``(s, n)`` of variance 1."""
        found = [np.linalg.svd(Z[genes], full_matrices=False)[2][0] for genes in self.sets.T]
        return standardized_rows(np.array(found).reshape(-1, Z.shape[1]))


def find_modules(
    Z: np.ndarray, weight: np.ndarray, number: int, *, visible: Visible, seed: int, prices: Prices = PRICES
) -> Modules:
    """Find at most so many modules that half-samples show again, beside those that are visible.

    ``Z``, ``(d, n)``, are standardized genes, and ``weight`` ``(d,)`` what each counts for in the components
    (:func:`gene_weights`).
    """
    S = independent_loadings(Z * weight[:, None], min(number, most_modules(Z.shape[1])))
    stability = _stability(Z, weight, S, seed=seed)
    kept = stability >= STABLE
    return fit(Z, S[:, kept], visible=visible, stability=stability[kept], prices=prices)


def stand_out(S: np.ndarray) -> np.ndarray:
    """Say which loadings of components ``(d, r)`` stand out from those of all other genes.

    Nine genes of ten at least are of other modules, so that the median says what their noise is.
    """
    size = np.abs(S)
    out: np.ndarray = size >= OUT * np.median(size, axis=0) / NORMAL
    return out


def gene_weights(Z: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return what each gene counts for in components, ``(d,)``, by its standard deviation ``scale`` and what it shares.

        w_j = sqrt(scale_j) mean of the r_ij^2 with the three genes that go with j most

    A gene that hardly varies shows mostly noise where all have one unit, and so does one that goes with no other; three
    are as many as the smallest module has beside it.  Of the exponents (1, 0), (.5, 0), (1, .5), (.5, 1) and (0, 1) of
    the two these recovered most regulons (96 for 88 by ``scale`` alone, on the same compendia as above).
    Cost: ``d^2 n``.
    """
    d, n = Z.shape
    shared, near = np.zeros(d), min(FEWEST - 1, d - 1)
    for start in range(0, d if near else 0, BLOCK):
        own = np.arange(start, min(start + BLOCK, d))
        squares = (Z[own] @ Z.T / n) ** 2
        squares[np.arange(len(own)), own] = 0.0
        shared[own] = np.partition(squares, d - near, axis=1)[:, d - near :].mean(axis=1)
    weight: np.ndarray = np.sqrt(scale) * shared
    return weight


def most_modules(n_obs: int) -> int:
    """Return how many components so many observations can tell apart."""
    return max(int(DIMENSIONS * (n_obs - 1)), 1)


def fit(Z: np.ndarray, S: np.ndarray, *, visible: Visible, stability: np.ndarray, prices: Prices = PRICES) -> Modules:
    """Let every gene choose among modules of components ``(d, K)`` and those that are visible."""
    d, n = Z.shape
    seen, scores = visible.scores(Z), scores_of(Z, S)
    new = np.max(np.abs(scores @ seen.T) / n, axis=1, initial=0.0) < SAME
    A, sets = np.vstack([seen, scores[new]]), visible.sets
    set_of = np.concatenate([np.arange(len(seen)), np.full(int(new.sum()), -1)])
    stability = np.concatenate([np.ones(len(seen)), stability[new]])
    coefficient = 0.5 * prices.loadings * np.log(n)
    bar = coefficient + prices.loadings * np.log(max(len(A), 1))
    price = np.full((d, len(A)), bar)
    price[:, : len(seen)] = np.where(sets, coefficient, prices.outside * bar)  # of those of a set nobody has to choose
    cross, gram = Z @ A.T / n, A @ A.T / n
    L = select(cross, gram, price, n_obs=n)
    far = np.hstack([np.zeros((d, len(seen)), bool), stand_out(S[:, new])])
    members = _members(L, cross, far, is_seen=set_of >= 0)
    enough = (members.sum(axis=0) >= FEWEST) | (set_of >= 0)
    if not enough.all():  # genes of those that fall choose among the others
        kept = np.flatnonzero(enough)
        cross, gram, set_of, stability = cross[:, kept], gram[np.ix_(kept, kept)], set_of[kept], stability[kept]
        L = select(cross, gram, price[:, kept], n_obs=n)
        members = _members(L, cross, far[:, kept], is_seen=set_of >= 0)
    unique = np.maximum(1.0 - np.einsum("dk,dk->d", L, cross), LEAST_UNIQUE)
    found = Modules(L, unique, np.empty((L.shape[1], n)), set_of, stability, members)
    return replace(found, scores=found.weights() @ Z)


def _members(L: np.ndarray, cross: np.ndarray, far: np.ndarray, *, is_seen: np.ndarray) -> np.ndarray:
    """Return the genes that modules are named by, ``(d, K)``: what they move, of which much goes with them.

    Of learned modules those whose loading on the component is ``far`` from those of other genes and that share
    three tenths with the activity; of visible ones, and of a module that moves a tenth of all genes, from which few
    can stand out, those of which it explains two fifths beside the other modules.
    """
    large = L**2 >= MEMBER
    wide = is_seen | (large.mean(axis=0) >= WIDE)
    out: np.ndarray = np.where(wide, large, far & (cross**2 >= SHARED) & (L != 0))
    return out


def _stability(Z: np.ndarray, weight: np.ndarray, S: np.ndarray, *, seed: int) -> np.ndarray:
    """Return the mean over half-samples of how well each component is found again, ``(r,)``."""
    n = Z.shape[1]
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(HALVES):
        rows = np.sort(rng.permutation(n)[: n // 2])
        again = independent_loadings(Z[:, rows] * weight[:, None], min(S.shape[1], len(rows) - 2))
        found.append(agreement(*(np.abs(loadings) * loadings for loadings in (S, again))))
    return np.mean(found, axis=0)


def agreement(S: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Return the largest absolute cosine of each column ``(d, r)`` with those of another fit, ``(r,)``."""
    return np.max(cosines(S, again), axis=1, initial=0.0)


def cosines(S: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Return the absolute cosines of columns ``(d, r)`` with others ``(d, s)``, ``(r, s)``."""
    sizes = [np.maximum(np.linalg.norm(one, axis=0), 1e-300) for one in (S, again)]  # an empty column meets nothing
    return np.abs((S / sizes[0]).T @ (again / sizes[1]))
