"""Cost by the number of cells: what a linear network of many takes, and the moments of 21 networks beside one.

``python -m benchmarks.cells [--cells 10000 30000 100000] [--genes 4200]``

Cells are drawn and written in chunks: a gene's rate is log-normal times three programs of a cell, counts are Poisson,
and a share of the matrix, about 3 %, is filled.  Every stage runs in a process of its own, without resamples and
without the search for hidden causes, which looks at a sample whatever the number of cells.  The floor is what the
products of all pairs of genes take at the speed of one matrix product, measured beside.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.io import sparse_dataset, write_elem

from acyclome.confidence.resample import plan_subsamples
from acyclome.core.data.halves import packed_size, sum_halves
from acyclome.core.data.moments import correlations, scale_genes
from acyclome.io.scratch import ScratchRows
from acyclome.io.store import Store
from benchmarks.command import run_command
from benchmarks.measure import measured
from benchmarks.report import publish
from benchmarks.tables import options

CHUNK = 5_000  # cells drawn at once
FILLED = 0.03  # of the matrix
PROGRAMS, SPREAD = 3, 0.8  # of cells; standard deviation of the log of a gene's rate
STREAM = 0xCE11  # of draws
RESAMPLES = 20
STAGES = "prepare", "screen"  # what comes after takes candidates and correlations


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", genes=4_200)
    parser.add_argument("--cells", type=int, nargs="+", default=[10_000, 30_000, 100_000], help="sizes of the data")
    parser.set_defaults(seeds=[1], threads=1)
    given = parser.parse_args()
    rows = [_row(n, given.genes, seed, threads=given.threads) for n in given.cells for seed in given.seeds]
    publish("cells", rows, "python -m benchmarks.cells", given)


def draw(path: Path, n_cells: int, n_genes: int, *, seed: int) -> None:
    """Write counts of cells as a sparse h5ad, never more than ``CHUNK`` cells in memory."""
    rng = np.random.default_rng([STREAM, seed])
    rate = np.exp(rng.normal(0.0, SPREAD, n_genes))
    loadings = rng.normal(0.0, SPREAD / 2, (PROGRAMS, n_genes)) * (rng.random((PROGRAMS, n_genes)) < 0.2)
    rate *= FILLED / np.mean(rate)
    names = pd.Index([f"cell_{k}" for k in range(n_cells)])
    genes = pd.Index([f"gene_{k}" for k in range(n_genes)])
    ad.AnnData(obs=pd.DataFrame(index=names), var=pd.DataFrame(index=genes)).write_h5ad(path)
    with h5py.File(path, "r+") as handle:
        for first in range(0, n_cells, CHUNK):
            own = np.random.default_rng([STREAM, seed, first])
            size = min(CHUNK, n_cells - first)
            programs = own.standard_normal((size, PROGRAMS))
            depth = own.lognormal(0.0, 0.4, (size, 1))
            counts = sp.csr_matrix(own.poisson(depth * rate * np.exp(programs @ loadings)).astype(np.float32))
            if first == 0:
                if "X" in handle:
                    del handle["X"]
                write_elem(handle, "X", counts)
            else:
                sparse_dataset(handle["X"]).append(counts)


def _row(n_cells: int, n_genes: int, seed: int, *, threads: int) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": n_cells, "seed": seed}
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "cells.h5ad", Path(name) / "run"
        draw(path, n_cells, n_genes, seed=seed)
        asked = (
            "--resamples",
            "0",
            "--confounding",
            "none",
            "--activity",
            "none",
            "--threads",
            threads,
            "--seed",
            seed,
        )
        for stage in STAGES:
            words = ("prepare", path, "-o", out, *asked) if stage == "prepare" else (stage, out, "--threads", threads)
            cost = run_command(*map(str, words), "--quiet")
            row |= {f"{stage}_cpu_s": cost.cpu, f"{stage}_peak_mb": cost.peak_mb}
        store = out / "stages" / "prepared.h5"
        with Store.open(store) as opened:
            row["genes"] = opened.n_vars
        one = measured(partial(_one, store, threads=threads))[1]
        all_of_them = measured(partial(_all, store, Path(name), seed, threads=threads))[1]
        row |= {"moments_cpu_s": one.cpu, "moments_of_21_cpu_s": all_of_them.cpu}
        row |= {"ratio": all_of_them.cpu / one.cpu, "moments_peak_mb": all_of_them.peak_mb}
    row["floor_s"] = row["genes"] ** 2 / 2 * n_cells / _rate()
    return row


def _one(store: Path, *, threads: int) -> None:
    with Store.open(store) as opened:
        correlations(scale_genes(opened.block, opened.n_vars, threads=threads).standardized, threads)


def _all(store: Path, folder: Path, seed: int, *, threads: int) -> None:
    with Store.open(store) as opened:
        rows = scale_genes(opened.block, opened.n_vars, threads=threads).standardized
        halves = plan_subsamples(opened.n_obs, RESAMPLES, fraction=0.5, seed=seed)
        halving, patterns = halves[0].halving, sorted({one.half.pattern for one in halves if one.half is not None})
        assert halving is not None, "they are halves"
        order, d = halving.order(), opened.n_vars
        sums = ScratchRows.create(folder / "sums", 1 + len(patterns), length=packed_size(d), dtype=rows.dtype)
        panel = lambda a, b: rows.block(a, b)[:, order]  # noqa: E731
        sum_halves(panel, halving, patterns, n_genes=d, write=sums.write, threads=threads)


def _rate() -> float:
    """Multiplications of one core in a second, in a product of the size of a tile."""
    A = np.random.default_rng(1).standard_normal((1024, 8192), dtype=np.float32)
    A @ A.T
    began = time.process_time()
    A @ A.T
    return len(A) ** 2 * A.shape[1] / (time.process_time() - began)


if __name__ == "__main__":
    main()
