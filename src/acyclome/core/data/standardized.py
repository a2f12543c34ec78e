"""Standardised genes, held in memory or formed from what was read whenever a part of them is asked for.

What is made of correlations alone, as nearly all of a network of lines is, then takes memory that does not grow with
the number of observations.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.core.data.interventions import Interventions
    from acyclome.core.data.slabs import SparseGenes

BlockReader = Callable[[int, int], np.ndarray]
Leave = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
TILE = 1024  # genes on a side: one product of some seconds, enough for every thread from 4,000 genes on
VARIES = 1e-10  # times the mean, below which a scale is rounding of the mean (2e-16 a value, summed over thousands)

HELD_BYTES = 1 << 30  # up to which genes are held, rather than formed anew: as much as the libraries and a network take
PANEL_VALUES = 1 << 27  # of a panel, 0.5 GB in float32; two of them are multiplied at once
PIECE_BYTES = 1 << 28  # of float64 that are standardised at once
LEAST_PANEL = 128  # genes of a panel of any number of observations: products of narrower ones wait for memory


class MarginalMap(Protocol):
    """Takes standardized genes to scales of their own, in place, standardized again."""

    def __call__(self, Z: np.ndarray, interventions: Interventions, *, threads: int) -> None:
        """Change ``Z``, ``(d, n)``."""


@dataclass(frozen=True)
class Standardized:
    """Standardised genes ``shape`` ``(d, n)``, of which ``form(a, b)`` gives genes ``a`` to ``b``.

    ``room`` gives an array of the shape where all are put once somebody asks for the whole, on a disk perhaps.
    ``sparse`` are the genes as they were, where products of them are had from what is seen alone; ``is_array`` are such
    as were held from the beginning.  How something is computed may hang on these, and never on ``is_held``: who asked
    for the whole before is no part of the data.
    """

    form: Callable[[int, int], np.ndarray]
    shape: tuple[int, int]
    dtype: Any
    room: Callable[[], np.ndarray] | None = None
    sparse: SparseGenes | None = None
    is_array: bool = False
    _held: list[np.ndarray] = field(default_factory=list)
    _lock: Any = field(default_factory=RLock)

    @classmethod
    def of(cls, Z: np.ndarray) -> Standardized:
        """Return those of an array."""
        return cls(lambda a, b: Z[a:b], (Z.shape[0], Z.shape[1]), Z.dtype, is_array=True, _held=[Z])

    @property
    def is_held(self) -> bool:
        return bool(self._held)

    @property
    def is_on_disk(self) -> bool:
        """Whether genes are held in a file, whose pages are in memory only while they are used."""
        return bool(self._held) and _file_of(self._held[0]) is not None

    @property
    def whole(self) -> np.ndarray:
        """All genes ``(d, n)``, held from now on; what an earlier look at a file brought into memory is let go."""
        with self._lock:
            if not self._held:
                Z = np.empty(self.shape, self.dtype) if self.room is None else self.room()
                for a, b in self.panels():
                    Z[a:b] = self.form(a, b)
                self._held.append(Z)
        let_go(self._held[0])
        return self._held[0]

    def block(self, a: int, b: int) -> np.ndarray:
        """Genes ``a`` to ``b``, ``(b - a, n)``; not to be written to."""
        return self.whole[a:b] if self._held else self.form(a, b)

    def genes(self, index: np.ndarray) -> np.ndarray:
        """Return some genes, ``(len(index), n)``."""
        if self._held:
            return self._held[0][index]
        parts = [self.form(j, j + 1) for j in np.asarray(index).tolist()]
        return np.concatenate(parts) if parts else np.empty((0, self.shape[1]), self.dtype)

    def columns(self, index: Any) -> np.ndarray:
        """All genes in some observations, ``(d, len(index))``."""
        if self.is_on_disk:  # some observations lie on all pages of a file: no more of them at once than of a panel
            Z = self._held[0]
            out = np.empty((len(index), len(Z)), Z.dtype).T  # as numpy lays it out of an array in memory
            for a, b in self.panels():
                out[a:b] = Z[a:b, index]
                let_go(Z)
            return out
        if self._held:
            return self._held[0][:, index]
        if self.sparse is not None:  # one pass over what is seen, where panels would be made of all observations
            return self.sparse.columns(np.asarray(index))
        return np.concatenate([self.form(a, b)[:, index] for a, b in self.panels()])

    def panels(self) -> list[tuple[int, int]]:
        """Ranges of genes of which one fits into memory, whatever the number of observations."""
        return gene_blocks(self.shape[0], panel_genes(self.shape[1]))


def let_go(Z: np.ndarray) -> None:
    """Let the pages of an array that lies in a file go from memory; they come back as they are touched."""
    file = _file_of(Z)
    if file is not None and hasattr(mmap, "MADV_DONTNEED"):
        file.madvise(mmap.MADV_DONTNEED)  # of a file that is shared nothing is lost by it


def _file_of(Z: Any) -> mmap.mmap | None:
    """Return the file that an array is a view of; None of one in memory."""
    while Z is not None and not isinstance(Z, mmap.mmap):
        Z = getattr(Z, "base", None)
    return Z


def is_small(shape: tuple[int, int], dtype: np.dtype) -> bool:
    """Say whether genes of a shape and type are held, if nobody asks for all of them."""
    return shape[0] * shape[1] * dtype.itemsize <= HELD_BYTES


def panel_genes(n_obs: int) -> int:
    """Return how many genes a panel of so many observations has, a power of two up to ``TILE``."""
    fitting = max(PANEL_VALUES // max(n_obs, 1), LEAST_PANEL)
    return int(min(1 << (fitting.bit_length() - 1), TILE))


def standardize(read: BlockReader, Z: np.ndarray, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Write standardised genes into ``Z`` ``(d, n)``, constant ones as zeros; return mean, scale and skewness."""

    def fill(block: np.ndarray, a: int) -> None:
        Z[a : a + len(block)] = block
        let_go(Z)

    return _described(read, (Z.shape[0], Z.shape[1]), fill, threads=threads)


def _described(
    read: BlockReader, shape: tuple[int, int], use: Callable[[np.ndarray, int], None], *, threads: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, scale and skewness; ``use(block, a)`` is given standardised genes from ``a`` on, in float64."""
    d, n = shape
    mean, scale, skewness = np.empty(d), np.empty(d), np.empty(d)

    def fill(a: int, b: int) -> None:
        block = np.asarray(read(a, b)).astype(np.float64)
        with np.errstate(all="ignore"):  # what is not finite is refused in the next line
            mean[a:b] = block.mean(axis=1)
        if not np.isfinite(mean[a:b]).all():
            gene = a + int(np.argmin(np.isfinite(mean[a:b])))
            msg = f"Values of gene {gene} (from 0) are not finite, or too large to be added. Prepare the data again."
            raise InputError(msg)
        block -= mean[a:b, None]
        scale[a:b] = np.sqrt(np.mean(block * block, axis=1))
        tiny = scale[a:b] <= VARIES * np.maximum(np.abs(mean[a:b]), 1e-30)  # 1e-30: genes of zeros have no mean
        scale[a:b][tiny] = 0.0
        block = _scaled(block, scale[a:b])
        skewness[a:b] = np.mean(block * block * block, axis=1)
        use(block, a)

    run_blocks(fill, _pieces(d, n), threads)
    return mean, scale, skewness


def _scaled(block: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Divide centred genes by their scales; those of scale 0 become zeros."""
    block /= np.where(scale > 0, scale, 1.0)[:, None]
    block[scale == 0] = 0.0
    return block


@kernel
def write_scaled(X, mean, scale, out):
    """Write ``(X - mean) / scale`` of every row, in float64 as :func:`_described` does, in one pass over the values."""
    for i in range(X.shape[0]):
        if scale[i] > 0.0:
            for j in range(X.shape[1]):
                out[i, j] = (np.float64(X[i, j]) - mean[i]) / scale[i]
        else:
            out[i] = 0.0


def _pieces(n_genes: int, n_obs: int) -> list[tuple[int, int]]:
    """Cut genes into pieces of ``PIECE_BYTES`` at most, whatever the number of observations."""
    return gene_blocks(n_genes, max(1, min(TILE, PIECE_BYTES // 8 // max(n_obs, 1))))


def form_as_asked(
    read: BlockReader,
    rows: Standardized,
    leave: Leave | None,
    *,
    threads: int,
) -> tuple[Standardized, np.ndarray, np.ndarray, np.ndarray]:
    """Return standardised genes, formed whenever they are asked for, their mean, scale and skewness.

    Shape, type and room are those of ``rows``; ``leave(block, a)`` takes something out of standardised genes from ``a``
    on, and returns what it leaves and the scales of that.
    """
    left = np.ones(rows.shape[0])

    def note(block: np.ndarray, a: int) -> None:
        if leave is not None:
            left[a : a + len(block)] = leave(block.astype(rows.dtype), a)[1]

    mean, scale, skewness = _described(read, rows.shape, note, threads=threads)
    return replace(rows, form=former(read, rows, described=(mean, scale), leave=leave)), mean, scale * left, skewness


def former(
    read: BlockReader, rows: Standardized, *, described: tuple[np.ndarray, np.ndarray], leave: Leave | None = None
) -> Callable[[int, int], np.ndarray]:
    """Return what forms standardised genes of the shape and type of ``rows``, of the mean and scale ``described``."""
    (mean, scale), n = described, rows.shape[1]

    def form(a: int, b: int) -> np.ndarray:
        out = np.empty((b - a, n), rows.dtype)
        for x, y in _pieces(b - a, n):
            write_scaled(np.asarray(read(a + x, a + y)), mean[a + x : a + y], scale[a + x : a + y], out[x:y])
            if leave is not None:
                out[x:y] = leave(out[x:y], a + x)[0]
        return out

    return form
