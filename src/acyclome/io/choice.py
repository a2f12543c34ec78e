"""Which matrix of an AnnData is learned from when none is named, and why.

Whole numbers alone make no counts: masks, cluster codes, ambient profiles and unspliced reads are whole too. Beside an
X that was worked on, a matrix of whole numbers is taken where X was made of it, observation by observation (``X_i`` is
a multiple of its row, or the logarithm of one more than such a multiple), or where it bears a name by which the field
calls counts and goes up and down with X. Otherwise it is X.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from acyclome.errors import examples
from acyclome.io.gene_names import are_row_numbers
from acyclome.io.matrices import (
    COUNTS,
    LOG,
    SCALED,
    UNKNOWN,
    MatrixFacts,
    get_matrix,
    matrix_facts,
    matrix_names,
    sample_rows,
)
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

REASONS = {
    COUNTS: "counts, from which normalised values are made here in a known way.",
    LOG: "log-normalised values; used as they are.",
    UNKNOWN: "values of a kind not recognised; used as they are, so make sure that they suit.",
    SCALED: "scaled values only; they work, but what was done to them before is unknown. Give counts if you have them.",
}
# By how little was done to the values: what can still be prepared in more ways comes first.
_PREFERENCE = {COUNTS: 0, LOG: 1, UNKNOWN: 2, SCALED: 3}
# Of scanpy, Seurat, loom (velocyto) and kallisto, the surest first; compared without marks and case.
_COUNT_NAMES = ("counts", "rawcounts", "count", "umicounts", "umis", "umi", "raw", "rawdata", "matrix", "total")
_MATURE = ("spliced", "mature")  # a part of the counts; better than nothing where X holds none
# How words of layers begin that hold something else, whatever their numbers look like.
_OTHER_WORDS = re.compile(
    r"ambient|background|nois|mask|detect|presen|bin|bool|unspliced|nascent|ambiguous|intron|spanning|antisense|cluster"
    r"|kmeans|leiden|louvain|codes?$|label|ranks?$|dist|probs?$|probab|posterior|pval|weight|empty|doublet|imput|magic"
    r"|smooth|simul|permut|shuffl|random|decoy|predict|quantile|velocity|varianc|fit|error|residual|contamin|soup|knn"
    r"|neighb|umap|pca|embed|length|zscore"
)
_AGREE = 0.3  # median correlation over genes; between 200 rows that have nothing in common it is 0 +- 0.1 at most
_SAME_SHARE = 0.02  # rounding to float32, and to three decimals, leaves less; another matrix leaves tens of percent
_MOST_ROWS = 0.9  # rows of one seen gene, which fit anything, and those that were touched by hand are few
_UNDONE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "a multiple": lambda X: X,
    "log(1 + x) of a multiple": np.expm1,
    "log2(1 + x) of a multiple": lambda X: np.exp2(X) - 1.0,
    "log10(1 + x) of a multiple": lambda X: np.power(10.0, X) - 1.0,
    "the root of a multiple": np.square,
}


@dataclass(frozen=True)
class Choice:
    """The matrix that is taken, the reason in words, and what there is to be looked at."""

    facts: MatrixFacts
    why: str
    doubts: list[str] = field(default_factory=list)


def choose_matrix(adata: AnnData, layer: str | None = None) -> Choice:
    """Return the matrix `layer`, or the one to take if none is named."""
    names = matrix_names(adata) if layer is None else [layer]
    return choose_among(adata, [matrix_facts(name, get_matrix(adata, name)[0]) for name in names or ["X"]])


def choose_among(adata: AnnData, matrices: list[MatrixFacts]) -> Choice:
    if len(matrices) == 1:  # one alone is taken whatever it holds
        return Choice(matrices[0], REASONS[matrices[0].kind])
    samples = _Samples(adata)
    faults = {facts.name: samples.fault(facts) for facts in matrices}
    usable = [facts for facts in matrices if not faults[facts.name]]
    home = next((facts for facts in usable if facts.name == "X"), None)
    if home is None:
        return _without_x(usable, matrices, faults)
    others = [facts for facts in usable if facts is not home and not _is_other(facts.name)]
    empty = [name for name, fault in faults.items() if fault and _count_rank(name) < len(_COUNT_NAMES)]
    doubts = [f"The layer {name} {faults[name]}; it was not taken." for name in empty]
    if home.kind == COUNTS:
        rivals = [o.name for o in others if o.kind == COUNTS and _is_named(o.name) and not samples.is_same("X", o.name)]
        doubts += [f"X holds whole numbers, and so does {name}, with other values; X was taken." for name in rivals]
        return Choice(home, REASONS[COUNTS], doubts)
    return _beside(home, others, samples, doubts=doubts)


class _Samples:
    """The same rows of every matrix, read once."""

    def __init__(self, adata: AnnData) -> None:
        self._adata = adata
        self._rows: dict[str, np.ndarray] = {}

    def rows(self, name: str) -> np.ndarray:
        if name not in self._rows:
            sample = sample_rows(get_matrix(self._adata, name)[0])
            self._rows[name] = np.nan_to_num(sample, nan=0.0, posinf=0.0, neginf=0.0)
        return self._rows[name]

    def genes(self, name: str) -> list[str]:
        return get_matrix(self._adata, name)[1]

    def pair(self, first: str, second: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of two matrices over the genes that both have; those of raw are often more."""
        a, b = self.genes(first), self.genes(second)
        if a == b:
            return self.rows(first), self.rows(second)
        place = {gene: at for at, gene in enumerate(b)}
        at = np.array([(i, place[gene]) for i, gene in enumerate(a) if gene in place], dtype=np.int64).reshape(-1, 2)
        return self.rows(first)[:, at[:, 0]], self.rows(second)[:, at[:, 1]]

    def fault(self, facts: MatrixFacts) -> str:
        """Return why a matrix is none to learn from, or nothing."""
        rows = self.rows(facts.name)
        if facts.max == facts.min:
            return "is zero everywhere" if facts.max == 0 else "holds one value only"
        if facts.kind == COUNTS and facts.max <= 1:
            return "holds only 0 and 1, which say whether, not how much"
        if rows.shape[1] > 1 and not np.ptp(rows, axis=1).any():
            return "has one value in each observation, for all genes, as labels have"
        if len(rows) > 1 and not np.ptp(rows, axis=0).any():
            return "has one value for each gene, in all observations"
        if facts.nan + facts.infinite > 0:
            return f"holds {plural(facts.nan + facts.infinite, 'value|s that is|are')} missing or infinite"
        if facts.name == "raw" and are_row_numbers(self.genes("raw")) and not are_row_numbers(self.genes("X")):
            return "names its genes by numbers, while those of X have names"
        return ""

    def is_same(self, first: str, second: str) -> bool:
        a, b = self.pair(first, second)
        return a.size > 0 and np.array_equal(a, b)

    def origin(self, made: str, source: str) -> str:
        """Return how the rows of one matrix were made of those of another, or nothing."""
        X, C = self.pair(made, source)
        if X.shape[1] < 2 or X.min() < 0:
            return ""
        seen = C > 0
        if not np.array_equal(seen, X > 0):
            return ""
        for words, undo in _UNDONE.items():
            with np.errstate(over="ignore"):
                ratio = np.divide(undo(X), C, out=np.full(X.shape, np.nan), where=seen)
            ratio = ratio[seen.sum(axis=1) > 1]
            if not ratio.size or not np.isfinite(ratio[~np.isnan(ratio)]).all():
                continue
            middle = np.nanmedian(ratio, axis=1, keepdims=True)
            strays = np.nanmean(np.abs(ratio - middle) > _SAME_SHARE * middle, axis=1, where=~np.isnan(ratio))
            if np.mean(strays < 1 - _MOST_ROWS) >= _MOST_ROWS:
                return words
        return ""

    def agreement(self, first: str, second: str) -> float:
        """Return the median over genes of the correlation with the logarithms of another matrix, made equal in depth.

        NaN where the two have no genes in common that vary.
        """
        X, C = self.pair(first, second)
        if C.size and C.min() >= 0:
            totals = C.sum(axis=1, keepdims=True)
            C = np.log1p(C / np.where(totals > 0, totals, 1.0) * np.median(totals))
        X, C = (Z - Z.mean(axis=0) for Z in (X, C))
        norms = np.sqrt((X**2).sum(axis=0) * (C**2).sum(axis=0))
        varies = norms > 0
        return float(np.median((X * C).sum(axis=0)[varies] / norms[varies])) if varies.any() else float("nan")


def _beside(home: MatrixFacts, others: list[MatrixFacts], samples: _Samples, *, doubts: list[str]) -> Choice:
    """Choose between an X that holds no counts and what else there is."""
    whole = sorted((facts for facts in others if facts.kind == COUNTS), key=lambda facts: _count_rank(facts.name))
    for facts in whole:
        made = samples.origin("X", facts.name)
        if made:
            why = f"{REASONS[COUNTS][:-1]}; X is {made} of each row of them."
            return Choice(facts, why, doubts)
    named = [facts for facts in whole if _is_named(facts.name) and _goes_along(samples, facts)]
    if named:
        more = [facts.name for facts in named[1:] if not samples.is_same(named[0].name, facts.name)]
        doubts += [f"{name} holds other whole numbers; {named[0].name} was taken for the counts." for name in more]
        return Choice(named[0], f"{REASONS[COUNTS][:-1]}; taken for its name, and X goes up and down with it.", doubts)
    if whole:
        names = examples([facts.name for facts in whole])
        text = "nothing says that they are the counts of which X was made, so X was taken (--layer takes another)"
        doubts.append(f"Whole numbers are in {names}, but {text}.")
    earlier = [facts for facts in others if facts.kind == LOG and home.kind in (UNKNOWN, SCALED)]
    for facts in earlier:
        if _goes_along(samples, facts):
            return Choice(facts, f"{REASONS[LOG][:-1]}, for less was done to them than to X.", doubts)
    return Choice(home, REASONS[home.kind], doubts)


def _goes_along(samples: _Samples, facts: MatrixFacts) -> bool:
    found = samples.agreement("X", facts.name)
    return found >= _AGREE or (facts.name == "raw" and np.isnan(found))  # raw is of the same observations by its nature


def _without_x(usable: list[MatrixFacts], matrices: list[MatrixFacts], faults: dict[str, str]) -> Choice:
    """Choose where X is absent or none to learn from: by name, then by kind; never without saying so."""
    reason = f"X {faults['X']}" if "X" in faults else "There is no X"
    ranked = sorted(
        (facts for facts in usable if not _is_other(facts.name)),
        key=lambda facts: (_PREFERENCE[facts.kind], _count_rank(facts.name)),
    )
    if not ranked:
        best = min(matrices, key=lambda facts: (facts.name != "X", bool(faults[facts.name])))
        return Choice(best, REASONS[best.kind], [f"{reason}, and no other matrix looks like expression."])
    best = ranked[0]
    part = ", a part of all reads" if _bare(best.name) in _MATURE else ""
    more = [facts.name for facts in ranked[1:] if facts.kind == best.kind]
    beside = f" ({examples(more)} would be others of its kind)" if more else ""
    return Choice(best, REASONS[best.kind], [f"{reason}, so {best.name} was taken{part}{beside}."])


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())


def _is_other(name: str) -> bool:
    return any(_OTHER_WORDS.match(word) for word in _words(name))


def _count_rank(name: str) -> int:
    """Return the place of a name among those of counts: the known ones, those with the word in them, then the rest."""
    known = len(_COUNT_NAMES)
    if _bare(name) in _COUNT_NAMES:
        return _COUNT_NAMES.index(_bare(name))
    if not _is_other(name) and {"count", "counts", "umi", "umis"} & set(_words(name)):
        return known
    return known + 1 + (_MATURE.index(_bare(name)) if _bare(name) in _MATURE else len(_MATURE))


def _is_named(name: str) -> bool:
    return _count_rank(name) <= len(_COUNT_NAMES)
