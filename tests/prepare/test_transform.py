"""The marginal transform: normal scores, and the choice between them and the values as they are."""

import anndata
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import ndtri
from scipy.stats import norm, rankdata

from acyclome.config import Config
from acyclome.evaluate.simulate import simulate
from acyclome.io.expression import open_expression
from acyclome.prepare import prepare
from acyclome.prepare.transform import choose_transform, rank_to_normal

FLOAT32 = 2e-6
VALUES = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(2, 15)),
    elements=st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0, 7.0, -1.0]),
)
RISING = {"cube": lambda x: x**3, "exp": np.exp, "affine": lambda x: 3 * x + 2, "arctan": np.arctan}


def test_scores_are_those_of_scipy():
    X = np.random.default_rng(1).normal(size=(7, 50)).astype(np.float32)
    X[3, :20] = 0.5
    expected = norm.ppf((rankdata(X, axis=1) - 0.5) / 50)
    np.testing.assert_allclose(rank_to_normal(X), expected, atol=FLOAT32)


@pytest.mark.parametrize("change", RISING)
@given(X=VALUES)
def test_scores_do_not_change_under_rising_maps(change, X):
    np.testing.assert_array_equal(rank_to_normal(RISING[change](X.astype(np.float64))), rank_to_normal(X))


@given(X=VALUES)
def test_scores_of_a_sparse_matrix_are_those_of_a_dense_one_with_zeros_at_zero(X):
    sparse, full = rank_to_normal(sp.csr_matrix(X)), rank_to_normal(X)
    assert sparse.nnz == np.count_nonzero(X)
    for row in range(len(X)):
        shift = full[row][X[row] == 0][0] if (X[row] == 0).any() else 0.0
        np.testing.assert_allclose(sparse[row].toarray()[0], full[row] - shift, atol=5 * FLOAT32)


@pytest.mark.parametrize("seed", [11, 12, 13])
@pytest.mark.parametrize("n_obs", [100, 1000])
@pytest.mark.parametrize("graph", ["er", "scale-free", "hub"])
def test_gaussian_data_stay_as_they_are(graph, n_obs, seed):
    X = np.asarray(simulate(100, n_obs, graph=graph, seed=seed).X).T
    assert choose_transform(X, seed=0).transform == "none"


def test_bent_gaussian_data_ask_for_ranks():
    X = np.asarray(simulate(100, 500, standardised=True, seed=11).X).T
    choice = choose_transform(np.exp(2 * X), seed=0)
    assert choice.transform == "rank"
    assert choice.gain_rank > choice.gain_none + choice.standard_error
    assert f"{choice.gain_rank:.3f} with ranks" in choice.reason


@pytest.mark.parametrize("model", ["linear", "polynomial", "sobolev", "spline", "mlp", "lingam", "dag_gnn", "auto"])
def test_only_lines_ask_for_ranks(model):
    X = np.exp(2 * np.asarray(simulate(30, 300, standardised=True, seed=11).X))
    for asked, chosen in (("auto", "rank" if model == "linear" else "none"), ("none", "none")):
        config = Config.from_mapping({"model": model, "prepare": {"transform": asked, "min_cells": 0, "log": False}})
        assert prepare(anndata.AnnData(X), config).facts["transform"] == chosen


def test_independent_genes_change_nothing():
    assert choose_transform(np.random.default_rng(5).normal(size=(40, 300)), seed=0).transform == "none"


def test_ranks_of_ranks_tie():
    X = rank_to_normal(np.asarray(simulate(60, 301, seed=12).X).T)
    choice = choose_transform(X, seed=0)
    assert choice.transform == "none"
    assert choice.gain_rank == pytest.approx(choice.gain_none, abs=1e-5)


@pytest.mark.parametrize("name", ["DAG1_d100_n500", "DAG1_d100_n1000", "EColi_d100_n500", "DAG1_d300_n500"])
def test_saturating_kinetics_ask_for_ranks(shared_data, name):
    path = shared_data / "syntren_nobears" / f"{name}_maxExpr1_dataset.txt.gz"
    adata = open_expression(path, genes_as="rows")
    adata = adata[:, ~adata.var_names.str.startswith("bgr_")].copy()
    assert prepare(adata, Config()).facts["transform"] == "rank"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_multifactorial_data_of_dream4_stay_as_they_are(shared_data, number):
    path = shared_data / "dream4" / f"insilico_size100_{number}_multifactorial.tsv.gz"
    assert prepare(open_expression(path), Config()).facts["transform"] == "none"


def test_log_normalised_cells_stay_as_they_are(shared_data):
    adata = anndata.read_h5ad(shared_data / "singlecell" / "pbmc3k_raw_counts.h5ad")
    prepared = prepare(adata, Config())
    assert prepared.facts["transform"] == "none"
    assert prepared.X.shape == (11_139, 2_700)
    assert sp.issparse(prepared.X)


def test_ties_share_a_rank_as_in_scipy_whose_distributions_are_not_loaded_for_it():
    X = np.random.default_rng(3).poisson(1.0, (5, 200)).astype(np.float32)
    wanted = ndtri((rankdata(X, axis=1).astype(np.float64) - 0.5) / 200).astype(np.float32)
    assert np.array_equal(rank_to_normal(X), wanted)
    assert rank_to_normal(np.empty((0, 3))).shape == (0, 3)
