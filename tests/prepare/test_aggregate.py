"""Pseudobulk and metacells."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.config import Config
from acyclome.prepare import prepare
from acyclome.prepare.aggregate import metacell_groups


def config(seed=0, **options):
    return Config(seed=seed, prepare={"min_cells": 0, "normalize": False, "log": False, "transform": "none", **options})


@settings(max_examples=25)
@given(n_obs=st.integers(4, 80), size=st.integers(2, 9), n_strata=st.integers(1, 3), seed=st.integers(0, 5))
def test_metacells_are_balanced_and_never_mix_strata(n_obs, size, n_strata, seed):
    rng = np.random.default_rng(seed)
    X = rng.random((6, n_obs))
    strata = rng.integers(0, n_strata, n_obs)
    groups = metacell_groups(X, size, strata, seed=seed)
    np.testing.assert_array_equal(groups, metacell_groups(X, size, strata, seed=seed))
    assert set(groups) == set(range(groups.max() + 1))
    for stratum in np.unique(strata):
        sizes = np.bincount(groups[strata == stratum])
        sizes = sizes[sizes > 0]
        assert sizes.max() - sizes.min() <= 1
        assert sizes.min() >= min(size, (strata == stratum).sum())
        assert set(groups[strata == stratum]).isdisjoint(groups[strata != stratum])


def test_metacells_join_similar_cells():
    rng = np.random.default_rng(5)
    kinds = rng.permutation(np.repeat(np.arange(4), 25))
    X = rng.normal(0, 0.1, (20, 100)) + 5 * rng.normal(size=(20, 4))[:, kinds]
    groups = metacell_groups(X, 5)
    assert all(len(set(kinds[groups == group])) == 1 for group in np.unique(groups))


@pytest.mark.parametrize("make", [np.array, sp.csr_matrix])
def test_counts_are_summed_by_one_label_or_several(make):
    rng = np.random.default_rng(6)
    X = rng.poisson(1.0, (60, 5)).astype(np.float32)
    obs = pd.DataFrame(
        {"donor": [f"d{i % 12:02d}" for i in range(60)], "side": ["l", "r"] * 30, "age": np.arange(60) % 12 + 20.0},
        index=[f"c{i}" for i in range(60)],
    )
    prepared = prepare(anndata.AnnData(make(X), obs=obs), config(pseudobulk_by="donor"))
    expected = pd.DataFrame(X).groupby(obs["donor"].to_numpy()).sum()
    values = prepared.X.toarray() if sp.issparse(prepared.X) else prepared.X
    np.testing.assert_array_equal(values, expected.to_numpy().T)
    assert prepared.observations == list(expected.index)
    assert list(prepared.obs_columns["age"]) == [20.0 + i for i in range(12)]
    assert list(prepared.obs_columns["n_joined"]) == [5] * 12
    several = prepare(anndata.AnnData(make(X), obs=obs), config(pseudobulk_by="donor, side"))
    assert several.observations[:2] == ["d00|l", "d01|r"]


def test_values_that_are_no_counts_are_averaged():
    X = np.random.default_rng(7).random((40, 4)).astype(np.float32)
    obs = pd.DataFrame({"donor": np.repeat([f"d{i}" for i in range(10)], 4)}, index=[f"c{i}" for i in range(40)])
    prepared = prepare(anndata.AnnData(X, obs=obs), config(pseudobulk_by="donor"))
    np.testing.assert_allclose(prepared.X, X.reshape(10, 4, 4).mean(axis=1).T, rtol=1e-6)
    assert "values averaged" in prepared.facts["steps"][2]["what"]


def test_metacells_keep_batches_apart_and_their_column():
    rng = np.random.default_rng(8)
    X = rng.poisson(2.0, (90, 6)).astype(np.float32)
    obs = pd.DataFrame({"batch": rng.permutation(["x", "y", "z"] * 30)}, index=[f"c{i}" for i in range(90)])
    prepared = prepare(anndata.AnnData(X, obs=obs), config(metacells=5, covariates=("batch",)))
    assert len(prepared.observations) == 18
    assert dict(prepared.obs_columns["batch"].value_counts()) == {"x": 6, "y": 6, "z": 6}
