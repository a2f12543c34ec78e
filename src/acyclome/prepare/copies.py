"""Genes with the same values as another, up to scale and sign: no data can tell them apart, so one of them is learned.

Left in, each would explain the other, and what they have in common would fall on one or the other by chance, in every
half-sample anew. Two random projections tell which pairs to compare, so that d genes take d n operations, not d^2 n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import scipy.sparse as sp

from acyclome.errors import examples
from acyclome.prepare.matrix import Draft, Matrix, blocks, dense
from acyclome.prepare.streamed import BLOCK, Streamed, directions

LEAST_APART = 1e-9  # of 1 - |r|: rounding to float32 stays below it while the mean is below a thousand deviations
# Projections of standardized copies differ by sqrt(2 (1 - |r|)) times a draw of variance 1, of which this is 4.5.
_NEAR = 4.5 * np.sqrt(2.0 * LEAST_APART)
# Of observations; those farthest out may carry all that two genes have in common, and the others have to bear it out.
_FAR, _APART_WITHOUT = 0.05, 1e-6  # rounding is larger beside what is left


def find_copies(X: Matrix) -> np.ndarray:
    """Return the first gene that each is a copy of, itself where it is none, ``(d,)``; ``X`` is ``(d, n)``."""
    d, place = X.shape[0], _places(X)
    place *= np.where(place[:, :1] < 0, -1.0, 1.0)  # a copy may be turned around
    first, read = np.arange(d), _read_once(X, place) if isinstance(X, Streamed) else lambda pair: dense(X[pair])
    for gene, near in _near(place, lambda gene: first[gene] == gene):
        first[gene] = next((other for other in near if _are_copies(read([gene, other]))), gene)
    lowest = np.full(d, d)
    np.minimum.at(lowest, first, np.arange(d))
    return lowest[first]


def _near(place: np.ndarray, counts: Callable[[int], bool]) -> Iterator[tuple[int, list[int]]]:
    """Give each gene with those before it, along the line, that are near; of genes that ``counts`` says so of."""
    window = list[int]()
    for gene in np.argsort(place[:, 0], kind="stable").tolist():
        window = [other for other in window if place[gene, 0] - place[other, 0] <= _NEAR]
        yield gene, [other for other in window if abs(place[gene, 1] - place[other, 1]) <= _NEAR]
        if counts(gene):
            window.append(gene)


def _read_once(X: Streamed, place: np.ndarray) -> Callable[[list[int]], np.ndarray]:
    """Return what gives two genes that are near; as many as ``BLOCK`` values are read in one go."""
    near = sorted({one for gene, others in _near(place, lambda _: True) if others for one in (gene, *others)})
    if not near:
        return lambda pair: dense(X[pair])
    some = [gene for gene, values in zip(near, np.cumsum(X.of_genes.seen[near]), strict=True) if values <= BLOCK]
    rows, at = X[some].held(), {gene: row for row, gene in enumerate(some)}

    def read(pair: list[int]) -> np.ndarray:
        return dense(rows[[at[gene] for gene in pair]] if at.keys() >= set(pair) else X[pair])

    return read


def _places(X: Matrix) -> np.ndarray:
    """Return standardized genes, projected onto two random directions, ``(d, 2)``."""
    d, n = X.shape
    draws = directions(n)
    if not isinstance(X, Streamed):
        return np.concatenate([np.empty((0, 2)), *(_projected(X[a:b], draws) for a, b in blocks(d, n))])
    found = X.of_genes
    mean = found.total / n
    scale = np.sqrt(np.maximum(found.square / n - mean**2, 0.0))
    centred = found.projected - np.multiply.outer(mean, draws.sum(axis=0))
    return centred / np.where(scale > 0, scale, np.inf)[:, None]


def _projected(X: Matrix, draws: np.ndarray) -> np.ndarray:
    """Return standardized rows times ``draws``, ``(n, 2)``; zero for a row that does not vary."""
    X = X.astype(float)
    squares = X.multiply(X) if sp.issparse(X) else X**2
    mean, square = (np.asarray(values.mean(axis=1)).reshape(-1, 1) for values in (X, squares))
    scale = np.sqrt(np.maximum(square - mean**2, 0.0))
    return (X @ draws - mean * draws.sum(axis=0)) / np.where(scale > 0, scale, np.inf)


def _are_copies(pair: np.ndarray) -> bool:
    Z = pair.astype(float)
    Z -= Z.mean(axis=1, keepdims=True)
    if not _go_along(Z, LEAST_APART):
        return False
    rest = Z[:, np.argsort(np.abs(Z[0]), kind="stable")[: int(Z.shape[1] * (1.0 - _FAR))]]
    return not np.ptp(rest, axis=1).any() or _go_along(rest - rest.mean(axis=1, keepdims=True), _APART_WITHOUT)


def _go_along(Z: np.ndarray, apart: float) -> bool:
    return bool(np.abs(Z[0] @ Z[1]) >= (1.0 - apart) * np.sqrt((Z[0] @ Z[0]) * (Z[1] @ Z[1])) > 0)


def copies_in(draft: Draft) -> dict[str, str]:
    """Return the names of genes that are copies, each with that of the first gene with its values."""
    return _named(find_copies(draft.X), draft.genes.tolist())


def drop_copies(draft: Draft, before: Mapping[str, str]) -> Draft:
    """Leave out genes that are copies of another, now or as the values were ``before``, and say of which."""
    genes = draft.genes.tolist()
    copies = {copy: one for copy, one in before.items() if {copy, one} <= set(genes)} | copies_in(draft)
    if not copies:
        return draft
    kept = draft.with_genes(np.array([gene not in copies for gene in genes], bool))
    return kept.noted("copies", _said(copies), warnings=[_said(copies)], genes_dropped=len(copies))


def leave_out_copies(X: Matrix, genes: Sequence[str]) -> tuple[Matrix, list[str], list[str]]:
    """Return ``(d, n)`` values and names of the genes without copies, and a warning if there were any."""
    copies = _named(find_copies(X), genes)
    if not copies:
        return X, list(genes), []
    keep = np.array([gene not in copies for gene in genes], bool)
    return X[np.flatnonzero(keep)], [gene for gene in genes if gene not in copies], [_said(copies)]


def _named(first: np.ndarray, genes: Sequence[str]) -> dict[str, str]:
    return {genes[gene]: genes[first[gene]] for gene in np.flatnonzero(first != np.arange(len(first))).tolist()}


def _said(copies: Mapping[str, str]) -> str:
    named = [f"{copy} of {one}" for copy, one in copies.items()]
    verb = "gene is a copy of another" if len(named) == 1 else "genes are copies of others"
    return (
        f"{len(named)} {verb}, up to scale, and no data can tell them apart: {examples(named)}. They were left out; "
        "what is found of a gene holds for its copies too."
    )
