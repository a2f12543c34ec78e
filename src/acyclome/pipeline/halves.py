"""What half-samples share: products of genes, added up over all of them in one pass, and which pairs are near.

Both lie in a folder of scratch space, from which every half-sample reads its own, wherever it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from acyclome.confidence.resample import Subsample
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.halves import HalfSums, Halving, packed_size, sum_halves
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.problem import Problem
from acyclome.core.data.sparse_halves import sum_sparse_halves
from acyclome.core.data.standardized import Standardized
from acyclome.core.screening.near import find_near, is_worth_it, screen_near
from acyclome.core.screening.screen import ScreenSettings
from acyclome.io.atomic import temporary_folder
from acyclome.io.scratch import ScratchRows, scratch_array
from acyclome.pipeline.task import Task

NEAR = "near.npz"


@contextmanager
def shared(task: Task, subsamples: Sequence[Subsample]) -> Iterator[Path | None]:
    """Give the folder that :func:`correlations` and :func:`candidates` read; None where half-samples share nothing."""
    sums, lists = _share_sums(task, subsamples), _share_lists(task, subsamples)
    if not sums and not lists:
        yield None
        return
    with temporary_folder(task.data.store.folder, "halves.") as made:
        folder = made.resolve()
        if lists:
            found = find_near(task.problem, task.settings.screen)
            np.savez(folder / NEAR, indptr=found.indptr, parent=found.parent)
        if sums:
            _add_up_all(task, subsamples, folder)
        yield folder


def _share_lists(task: Task, subsamples: Sequence[Subsample]) -> bool:
    """Say whether half-samples, all of one size, are screened among pairs that are near in all observations."""
    d, sources = task.data.n_genes, int(task.data.sources.sum())
    return any(is_worth_it(d, len(one.rows), sources=sources) for one in subsamples)


def _share_sums(task: Task, subsamples: Sequence[Subsample]) -> bool:
    """Say whether the correlations of half-samples are sums.

    They are not where a half has other values than the whole: latent scores, singular values or activities of its own,
    or genes on scales of their own; factors are taken out of the correlations.  Nor is it worth anything where these
    are never held.
    """
    data = task.data
    hidden = data.deconfounding
    is_own = data.is_latent or data.marginal_map is not None or hidden.trims or len(hidden.regulators) > 0
    is_own = is_own or data.n_genes > WHOLE_GENES
    return task.backend.sums_halves and not is_own and all(one.half is not None for one in subsamples)


def _add_up_all(task: Task, subsamples: Sequence[Subsample], folder: Path) -> None:
    found = task.data.as_found
    scaled = task.scaled if found is task.data else found.scaled(task.backend.threads, task.scratch)
    for dealing in sorted({one.dealing for one in subsamples}):
        of_it = [one for one in subsamples if one.dealing == dealing]
        add_up(scaled.standardized, of_it, folder, threads=task.backend.threads)


def candidates(folder: Path | None, problem: Problem, settings: ScreenSettings) -> Candidates | None:
    """Return the candidates of a half-sample among the pairs that are near in all observations.

    None where :func:`shared` left no such pairs, so that all are to be screened.
    """
    if folder is None or not (folder / NEAR).exists():
        return None
    return screen_near(problem, near(folder), settings)


def near(folder: Path) -> Candidates:
    """Return the pairs that are near in all observations, which :func:`shared` left."""
    with np.load(folder / NEAR) as found:
        return Candidates(found["indptr"], found["parent"])


def correlations(folder: Path, subsample: Subsample) -> np.ndarray | None:
    """Return the correlations of a half-sample, ``(d, d)``, from what :func:`shared` left; None where it left none."""
    if subsample.half is None or not _facts(folder, subsample.dealing).exists():
        return None
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
