"""What is foreseen of sparse cells goes by what is filled."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.core.data.slabs import share_of_products
from acyclome.io.store import Store, write_store
from acyclome.pipeline.commands import Runtime, plan
from acyclome.pipeline.durations import Filled
from acyclome.pipeline.jobs import job_needs
from acyclome.pipeline.resources import estimate
from acyclome.prepare import prepared_size

D, N = 5000, 100_000
PLAIN = Config.from_mapping({"resample": {"resamples": 0}, "confounding": "none", "validation": {"checks": False}})


def filled(share, d=D, n=N):
    """Genes that are all seen in such a share of the observations, of six times as many that are read."""
    seen = np.full(d, int(share * n))
    return Filled.of(seen, n, read=(6 * d, 2 * int(seen.sum())))


def foreseen(share, n=N, config=PLAIN):
    return estimate(D, n, config, threads=1, filled=None if share is None else filled(share, n=n))


def test_time_goes_by_what_is_filled_where_that_is_cheaper():
    dense, few, more = foreseen(None), foreseen(0.02), foreseen(0.1)
    for stage in ("prepare", "screen", "order"):
        assert few["seconds"][stage] <= more["seconds"][stage] < dense["seconds"][stage]
    assert few["total_seconds"] < dense["total_seconds"] / 3
    assert foreseen(0.02, n=30_000)["total_seconds"] < foreseen(None, n=30_000)["total_seconds"] / 2
    assert foreseen(0.9, n=30_000) == foreseen(None, n=30_000)  # held, and dense
    assert foreseen(0.02, n=4000) == foreseen(None, n=4000)  # fewer than genes
    of_curves = PLAIN.with_options({"model": "spline"})
    assert foreseen(0.02, config=of_curves) == foreseen(None, config=of_curves)


def test_memory_is_that_of_slabs_and_of_cells_by_name():
    less, one, ten = foreseen(None), foreseen(0.05), foreseen(0.05, n=10 * N)
    assert one["memory_bytes"] < less["memory_bytes"]
    assert 0 < ten["memory_bytes"] - one["memory_bytes"] < 500 * 9 * N
    many = estimate(D, N, PLAIN, threads=1, filled=Filled.of(np.full(D, 5000), N, read=(60_000, 60_000 * 10_000)))
    assert many["memory_bytes"] > one["memory_bytes"] + 1e9  # of what is read, for the preparation


@pytest.fixture
def cells():
    return sp.random(400, 60, density=0.2, format="csr", dtype=np.float32, rng=np.random.default_rng(81))


def test_a_plan_sees_what_is_filled_in_a_file(cells, tmp_path, monkeypatch):
    path, given = tmp_path / "cells.h5ad", []
    anndata.AnnData(cells, var=pd.DataFrame(index=[f"G{k}" for k in range(60)])).write_h5ad(path)
    asked = PLAIN.with_options({"prepare.n_top_genes": 20, "prepare.min_cells": 1})
    size, seen = prepared_size(path, asked), np.sort(np.diff(cells.tocsc().indptr))
    np.testing.assert_array_equal(size.seen, seen[-20:])
    assert (size.n_obs, size.n_vars, size.genes_read, size.values_read) == (400, 20, 60, cells.nnz)
    monkeypatch.setattr("acyclome.pipeline.commands.estimate", lambda *_, filled, **__: given.append(filled) or {})
    plan(path, asked, Runtime())
    assert given == [Filled(share_of_products(seen[-20:], 400), int(seen[-20:].sum()), 60, cells.nnz)]
    anndata.AnnData(cells.toarray() + np.float32(1.5)).write_h5ad(tmp_path / "dense.h5ad")
    assert prepared_size(tmp_path / "dense.h5ad", asked).seen is None


def test_jobs_of_sparse_cells_ask_for_less(cells, tmp_path):
    write_store(
        tmp_path / "s.h5", cells.T.tocsr(), list(map(str, range(60))), observations=list(map(str, range(400))), facts={}
    )
    with Store.open(tmp_path / "s.h5") as store:
        np.testing.assert_array_equal(store.seen, np.diff(cells.tocsc().indptr))
    sparse, dense = job_needs(D, N, PLAIN, filled=filled(0.05)), job_needs(D, N, PLAIN)
    assert sparse["screen"]["seconds"] < dense["screen"]["seconds"] / 3
    assert sparse["order"]["mb"] < dense["order"]["mb"]
