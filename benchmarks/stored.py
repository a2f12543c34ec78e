"""What a network adds to the AnnData object that it is learned from, and what is left of it after a file.

``python -m benchmarks.stored``

Blood cells of one donor (PBMC, 2,700 cells, 11,139 genes), in the object as a notebook has it, 20 resamples. Each file
is written as the object writes itself, read again, and asked: are its tables those before, and has a predicted
knock-out an interval for every gene?
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
from pandas.testing import assert_frame_equal

import acyclome as ac
from benchmarks.report import publish
from benchmarks.tables import options

FILE = "singlecell/pbmc3k_raw_counts.h5ad"
READERS: dict[str, Callable[[Path], anndata.AnnData]] = {"h5ad": anndata.read_h5ad, "zarr": anndata.read_zarr}
TABLES = (ac.get.edges, ac.get.nodes)


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", resamples=20)
    parser.add_argument("--confounding", default="auto", help="none leaves the search for hidden causes out")
    given = parser.parse_args()
    adata = anndata.read_h5ad(given.data / FILE)
    bare = adata.copy()
    began = time.process_time()
    config = {"confounding": given.confounding}
    ac.tl.dag(adata, n_resamples=given.resamples, random_state=0, threads=given.threads, config=config)
    learned = time.process_time() - began
    gene = ac.get.nodes(adata).sort_values("out_degree").iloc[-1]["gene"]
    asked = {"genes": adata.n_vars, "cells": adata.n_obs, "resamples": given.resamples, "cpu_seconds": learned}
    rows = [asked | _through(adata, bare, kind, str(gene)) for kind in READERS]
    publish("stored", rows, "python -m benchmarks.stored", given)


def _through(adata: anndata.AnnData, bare: anndata.AnnData, kind: str, gene: str) -> dict[str, Any]:
    """Return what a file of a kind takes with the network, and without, and what is read from it."""
    with tempfile.TemporaryDirectory() as name:
        sizes = []
        for part, object_ in (("bare", bare), ("network", adata)):
            path = Path(name, f"{part}.{kind}")
            getattr(object_, f"write_{kind}")(path)
            sizes.append(_bytes(path) / 1e6)
        again = READERS[kind](path)
    for table in TABLES:
        assert_frame_equal(table(again), table(adata))
    began = time.process_time()
    answer = ac.tl.predict(again, knockout=gene)
    asked = time.process_time() - began
    assert_frame_equal(answer, ac.tl.predict(adata, knockout=gene))
    moved = answer[answer["change"] != 0]
    return {
        "file": kind,
        "MB_before": sizes[0],
        "MB_added": sizes[1] - sizes[0],
        "edges": len(ac.get.edges(again)),
        "genes_predicted": len(moved),
        "with_interval": float(moved[["low", "high"]].notna().all(axis=1).mean()),
        "predict_cpu_seconds": asked,
    }


def _bytes(path: Path) -> int:
    return sum(part.stat().st_size for part in (path.rglob("*") if path.is_dir() else [path]) if part.is_file())


if __name__ == "__main__":
    main()
