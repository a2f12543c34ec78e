"""Counts of genes that are independent: permuted before the preparation, at the depths that they have."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.io.store import Store
from acyclome.prepare import prepare
from acyclome.prepare.permuted import ROUND, independent, permuted_to_store


def counts(d=15, n=600, seed=0, spread=0.0):
    rng = np.random.default_rng(seed)
    size = np.exp(spread * rng.normal(size=n))
    together = np.exp(0.5 * rng.normal(size=n))  # of the first three genes
    mean = rng.uniform(1.0, 20.0, d)[:, None] * size
    mean[:3] *= together
    return rng.poisson(mean).astype(np.float32), size


@pytest.fixture
def h5ad(tmp_path):
    X, _ = counts(spread=0.4)
    obs = pd.DataFrame({"batch": np.repeat(["a", "b"], 300)}, index=[f"cell_{k}" for k in range(600)])
    path = tmp_path / "x.h5ad"
    anndata.AnnData(X.T, obs=obs, var=pd.DataFrame(index=[f"G{k}A" for k in range(15)])).write_h5ad(path)
    return path


def test_without_depth_every_gene_keeps_its_counts():
    X, _ = counts()
    found = independent(X, np.ones(600), np.random.default_rng(1))
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(X, axis=1))
    assert np.corrcoef(X[:3])[0, 1] > 0.3
    assert abs(np.corrcoef(found[:3])[0, 1]) < 0.15
    sparse = independent(sp.csr_matrix(X), np.ones(600), np.random.default_rng(1))
    np.testing.assert_array_equal(sparse.toarray(), found)


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_matrix])
def test_depth_stays_and_all_else_goes(kind):
    X, size = counts(200, spread=0.4, seed=2)
    found = independent(kind(X), size, np.random.default_rng(3))
    found = found.toarray() if sp.issparse(found) else found
    assert (found == np.round(found)).all()
    np.testing.assert_allclose(found.mean(axis=1), X.mean(axis=1), rtol=0.1)
    assert np.corrcoef(np.log(found.sum(axis=0)), np.log(size))[0, 1] > 0.98
    left = found / size
    assert abs(np.corrcoef(left[:3])[0, 1]) < 0.15


def test_all_steps_are_taken_anew(h5ad, tmp_path):
    options = Config(prepare={"covariates": ("batch",), "metacells": 3, "transform": "rank"})
    names = ["G1A", "G4A", "G9A", "none of these"]
    permuted_to_store(h5ad, tmp_path / "null.h5", options, genes=names, n_obs=100, rounds=2)
    with Store.open(tmp_path / "null.h5") as store:
        assert store.genes == names[:3]
        n = store.n_obs // 2
        assert 95 <= n <= 100
        assert store.obs_columns[ROUND].tolist() == [0] * n + [1] * n
        assert store.facts["n_effective"] == [n - 3, n - 3]  # batch, and depth with its curve
        first = store.block(0, 3)
        assert not np.array_equal(first[:, :n], first[:, n:])
    permuted_to_store(h5ad, tmp_path / "again.h5", options, genes=names, n_obs=100, rounds=2)
    with Store.open(tmp_path / "again.h5") as store:
        np.testing.assert_array_equal(store.block(0, 3), first)


def test_values_that_are_no_counts_are_not_permuted(tmp_path):
    X = np.random.default_rng(0).normal(size=(50, 5))
    pd.DataFrame(X, columns=[f"G{k}A" for k in range(5)]).to_csv(tmp_path / "x.csv")
    permuted_to_store(tmp_path / "x.csv", tmp_path / "null.h5", Config(), genes=["G1A"], n_obs=9, rounds=1)
    with Store.open(tmp_path / "null.h5") as store:
        assert (store.genes, store.facts["n_effective"]) == ([], [])


def test_counts_for_a_model_of_counts_have_size_factors_of_their_own(h5ad, tmp_path):
    options = Config(model="glm")
    names = [f"G{k}A" for k in range(15)]
    permuted_to_store(h5ad, tmp_path / "null.h5", options, genes=names, n_obs=600, rounds=1)
    data = prepare(anndata.read_h5ad(h5ad), options)
    with Store.open(tmp_path / "null.h5") as store:
        found, block = store.obs_columns, store.block(0, 15)
    np.testing.assert_allclose(found["total_counts"], block.sum(axis=0))
    assert found["acyclome_size_factor"].std() > 0.1
    assert not np.allclose(found["acyclome_size_factor"], data.obs_columns["acyclome_size_factor"])
