"""Products of genes over all half-samples, added up in one pass before any of them is learned from.

They lie in a folder of scratch space, from which every half-sample reads its own, wherever it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from acyclome.confidence.resample import Subsample
from acyclome.core.data.halves import HalfSums, Halving, packed_size, sum_halves
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.sparse_halves import sum_sparse_halves
from acyclome.core.data.standardized import Standardized
from acyclome.io.atomic import temporary_folder
from acyclome.io.scratch import ScratchRows, scratch_array
from acyclome.pipeline.task import Task


@contextmanager
def shared(task: Task, subsamples: Sequence[Subsample]) -> Iterator[Path | None]:
    """Give the folder that :func:`correlations` reads; None where every half-sample has moments of its own.

    That is where a half has other values than the whole: latent scores, singular values or activities of its own, or
    genes on scales of their own; factors are taken out of the correlations.  Nor is it worth anything where these are
    never held.
    """
    data = task.data
    hidden = data.deconfounding
    is_own = data.is_latent or data.marginal_map is not None or hidden.trims or len(hidden.regulators) > 0
    is_own = is_own or data.n_genes > WHOLE_GENES
    if is_own or not task.backend.sums_halves or any(one.half is None for one in subsamples):
        yield None
        return
    with temporary_folder(data.store.folder, "halves.") as made:
        folder = made.resolve()
        found = data.as_found
        scaled = task.scaled if found is data else found.scaled(task.backend.threads, task.scratch)
        for dealing in sorted({one.dealing for one in subsamples}):
            of_it = [one for one in subsamples if one.dealing == dealing]
            add_up(scaled.standardized, of_it, folder, threads=task.backend.threads)
        yield folder


def correlations(folder: Path, subsample: Subsample) -> np.ndarray:
    """Return the correlations of a half-sample, ``(d, d)``, from what :func:`shared` left."""
    assert subsample.half is not None, "only halves have shared moments"
    with np.load(_facts(folder, subsample.dealing)) as facts:
        rows = ScratchRows(_sums(folder, subsample.dealing), int(facts["length"]), str(facts["dtype"]))
        total, square, patterns = facts["total"], facts["square"], facts["patterns"].tolist()
        sums = HalfSums(Halving(facts["block"]), patterns, rows.read, total, square, facts["genes"])
    return sums.correlations(subsample.half)


def add_up(rows: Standardized, subsamples: Sequence[Subsample], folder: Path, *, threads: int) -> None:
    """Write what the half-samples of one dealing share: products of genes, added up over each of them."""
    halving, dealing = subsamples[0].halving, subsamples[0].dealing
    assert halving is not None, "halves are dealt out"
    d, patterns = rows.shape[0], sorted({one.half.pattern for one in subsamples if one.half is not None})
    sums = ScratchRows.create(_sums(folder, dealing), 1 + len(patterns), length=packed_size(d), dtype=rows.dtype)
    if rows.sparse is None:
        genes, order = np.arange(d), halving.order()
        panel = lambda a, b: rows.block(a, b)[:, order]  # noqa: E731
        total, square = sum_halves(panel, halving, patterns, n_genes=d, write=sums.write, threads=threads)
    else:
        genes, room = rows.sparse.rising, partial(scratch_array, folder, what="of genes, half by half")
        total, square = sum_sparse_halves(rows.sparse, halving, patterns, write=sums.write, room=room, threads=threads)
    np.savez(
        _facts(folder, dealing),
        length=sums.length,
        dtype=sums.dtype,
        total=total,
        square=square,
        genes=genes,
        patterns=patterns,
        block=halving.block,
    )


def _sums(folder: Path, dealing: int) -> Path:
    return folder / f"{dealing}.sums"


def _facts(folder: Path, dealing: int) -> Path:
    return folder / f"{dealing}.npz"
