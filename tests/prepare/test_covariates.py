"""Covariates: what is left is orthogonal to them."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.prepare import prepare
from acyclome.prepare.covariates import basis, residuals


def setting(seed=9, n=80):
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(
        {
            "batch": pd.Categorical(rng.choice(["x", "y", "z"], n)),
            "depth": rng.random(n) * 1e6,
            "twin": 0.0,
            "is_old": rng.random(n) < 0.5,
        },
        index=[f"c{i}" for i in range(n)],
    )
    obs["twin"] = obs["depth"] * 2 - 7
    return rng.random((n, 12)).astype(np.float32), obs


@pytest.mark.parametrize("covariates", [("batch",), ("depth",), ("batch", "depth", "is_old"), ("depth", "twin")])
def test_residuals_are_those_of_least_squares(covariates):
    X, obs = setting()
    Q = basis(obs, covariates)
    design = [np.ones(len(obs))]
    for name in covariates:
        column = obs[name]
        design += [column] if column.dtype.kind == "f" else [column == level for level in column.unique()]
    design = np.array(design, dtype=float).T
    fitted = design / np.abs(design).max(axis=0)
    expected = X - fitted @ np.linalg.lstsq(fitted, X, rcond=1e-10)[0]
    for matrix in (X.T, sp.csr_matrix(X.T)):
        found = residuals(matrix, Q)
        np.testing.assert_allclose(found, expected.T, atol=2e-6)
        np.testing.assert_allclose(found @ fitted, 0.0, atol=2e-5)
    assert Q.shape[1] == np.linalg.matrix_rank(fitted)
    np.testing.assert_allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-12)


def test_units_of_a_covariate_do_not_matter():
    X, obs = setting()
    small = residuals(X.T, basis(obs, ("depth",)))
    large = residuals(X.T, basis(obs.assign(depth=obs["depth"] * 1e9 + 1e12), ("depth",)))
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_genes_that_are_nothing_but_a_covariate_are_left_out_and_named():
    X, obs = setting()
    X[:, 4] = np.where(obs["batch"] == "x", 2.5, 1.25)
    genes = pd.DataFrame(index=[f"GENE{i}A" for i in range(12)])
    options = Config().with_options({"prepare.covariates": ("batch",), "prepare.transform": "none"})
    prepared = prepare(anndata.AnnData(X, obs=obs, var=genes), options)
    assert "GENE4A" not in prepared.genes
    step = prepared.facts["steps"][-1]
    assert (step["step"], step["genes_dropped"], step["degrees_of_freedom"]) == ("covariates", 1, 2)
    assert "GENE4A" in step["what"]


def test_a_covariate_without_variation_changes_nothing_but_the_mean():
    X, obs = setting()
    np.testing.assert_allclose(
        residuals(X.T, basis(obs.assign(site="here"), ("site",))), (X - X.mean(axis=0, dtype=float)).T, atol=1e-6
    )


@pytest.mark.parametrize("transform", ["none", "rank", "auto"])
def test_batches_do_not_come_back_through_ranks(transform):
    rng = np.random.default_rng(4)
    batch = np.repeat(["x", "y"], 200)
    X = rng.poisson(np.where(batch == "x", 0.1, 0.3)[:, None] * np.ones(20)).astype(np.float32)
    adata = anndata.AnnData(sp.csr_matrix(X), obs=pd.DataFrame({"batch": batch}, index=[f"c{i}" for i in range(400)]))
    prepared = prepare(
        adata,
        Config().with_options(
            {"prepare.covariates": ("batch",), "prepare.transform": transform, "prepare.normalize": False}
        ),
    )
    means = np.array([prepared.X[:, batch == label].mean(axis=1) for label in ("x", "y")])
    np.testing.assert_allclose(means, 0.0, atol=1e-5)
    R = np.corrcoef(prepared.X)[np.triu_indices(20, 1)]
    assert np.abs(R).max() < 5 / np.sqrt(400)
