"""Depth told from what genes do by themselves: no size factor without it, and none that one gene carries."""

import anndata
import numpy as np
import pytest
import scipy.sparse as sp

import acyclome as ac
from acyclome.config import Config
from acyclome.io.store import MemoryStore
from acyclome.prepare import prepare
from acyclome.prepare.covariates import basis_of_rows
from acyclome.prepare.depth import DOMINANT, PANEL, Totals, beside, measure, taken
from acyclome.prepare.size_factors import size_factors

AUTO = Config(prepare={"transform": "none"})


def independent(d=20, n=2000, *, spread=0.0, dispersion=0.3, dominant=0.0, seed=0, low=3.0, high=40.0):
    """Counts of independent genes (d, n) and the depth (n,), whose log has this standard deviation."""
    rng = np.random.default_rng(seed)
    mean = np.exp(rng.uniform(np.log(low), np.log(high), d))
    if dominant:
        mean[0] = dominant / (1.0 - dominant) * mean[1:].sum()
    size = np.exp(spread * rng.normal(size=n) - spread**2 / 2)
    own = rng.gamma(1 / dispersion, dispersion, (d, n)) if dispersion else 1.0
    return rng.poisson(mean[:, None] * size * own).astype(np.float32), size


def adata_of(X):
    names = [f"G{k}A" for k in range(len(X))]
    adata = anndata.AnnData(X.T.copy())
    adata.var_names, adata.obs_names = names, [f"cell_{k}" for k in range(X.shape[1])]
    return adata


def correlations(X):
    return np.corrcoef(X)[np.triu_indices(len(X), 1)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("dispersion", [0.0, 0.3])
def test_without_depth_nothing_is_normalised(seed, dispersion):
    X, _ = independent(dispersion=dispersion, dominant=0.5, seed=seed)
    prepared = prepare(adata_of(X), AUTO)
    np.testing.assert_array_equal(prepared.X, np.log1p(X))
    assert prepared.facts["n_effective"] == X.shape[1]
    assert (size_factors(MemoryStore(X, [f"g{k}" for k in range(20)]), "auto") == 1.0).all()
    step = next(step for step in prepared.facts["steps"] if step["step"] == "normalize")
    assert step["method"] == "none"
    assert "vary no more" in step["what"]


@pytest.mark.parametrize("spread", [0.3, 0.6])
@pytest.mark.parametrize("dispersion", [0.0, 0.3])
def test_depth_is_measured(spread, dispersion):
    X, size = independent(100, spread=spread, dispersion=dispersion, seed=1)
    depth = measure(X)
    assert depth.variance == pytest.approx(size.var(), rel=0.1)
    assert np.corrcoef(depth.log_size, np.log(size))[0, 1] > 0.95
    assert depth.share == pytest.approx(np.corrcoef(depth.log_size, np.log(size))[0, 1] ** 2, abs=0.03)


@pytest.mark.parametrize("spread", [0.3, 0.6])
@pytest.mark.parametrize("dominant", [0.0, 0.5])
def test_depth_is_taken_out_and_binds_no_genes(spread, dominant):
    X, _ = independent(spread=spread, dominant=dominant, dispersion=0.2, seed=2)
    left = correlations(prepare(adata_of(X), AUTO).X)
    by_totals = correlations(prepare(adata_of(X), Config(prepare={"transform": "none", "normalize": True})).X)
    chance = 1 / np.sqrt(X.shape[1])
    assert correlations(np.log1p(X)).mean() > 0.1
    assert np.sqrt(np.mean(by_totals**2)) > 2 * chance
    assert np.sqrt(np.mean(left**2)) < 1.15 * chance
    assert abs(left.mean()) < 0.2 * chance


def test_the_part_taken_out_leaves_a_diagonal_matrix():
    """With D + l l' as covariance and the best estimate of what is common, what is left is D."""
    d = np.array([0.3, 0.5, 1.0, 2.0])
    weight = 1 / d / (1 / d).sum()
    noise, common = 1 / (1 / d).sum(), 0.7
    left = np.eye(4) - taken(common / (common + noise)) * np.outer(np.ones(4), weight)
    np.testing.assert_allclose(left @ (np.diag(d) + common) @ left.T, np.diag(d), atol=1e-12)


def test_a_gene_that_varies_by_itself_carries_little_of_the_depth():
    X, _ = independent(100, spread=0.3, dominant=0.7, dispersion=0.3, seed=3)
    shuffled = X.copy()
    shuffled[0] = np.random.default_rng(0).permutation(X[0])
    found, without = measure(X).log_size, measure(shuffled).log_size
    assert np.corrcoef(found, without)[0, 1] > 0.97
    assert np.corrcoef(X.sum(axis=0), shuffled.sum(axis=0))[0, 1] < 0.5


def test_totals_of_many_genes_do_not_depend_on_a_dominant_one():
    rng = np.random.default_rng(4)
    X = rng.poisson(1.0, (PANEL + 1, 50)).astype(np.float32)
    sizes = []
    for _ in range(2):
        X[7] = rng.poisson(3 * DOMINANT * PANEL, 50)
        totals = Totals.of(sp.csr_matrix(X))
        assert totals.suffice
        assert totals.dominant.tolist() == [7]
        assert "(SPI1)" in totals.text(np.array(["SPI1" if k == 7 else "x" for k in range(len(X))], object))
        sizes.append(totals.size)
    np.testing.assert_array_equal(*sizes)
    X[7] = 1.0
    np.testing.assert_allclose(Totals.of(X).size, X.sum(axis=0) / X.sum(axis=0).mean())
    assert Totals.of(np.ones((PANEL, 3), np.float32)).effective == pytest.approx(PANEL)


def test_covariates_stay_whole_beside_depth():
    X, _ = independent(spread=0.4, seed=5)
    Q = np.linalg.qr(np.column_stack([np.ones(2000), np.arange(2000) % 2]))[0]
    found = beside(Q, np.log1p(X), measure(X).log_size)
    np.testing.assert_array_equal(found[:, :2], Q)
    gram = found.T @ found
    np.testing.assert_allclose(gram - np.diag(gram.diagonal()), 0.0, atol=1e-10)
    np.testing.assert_allclose(gram.diagonal()[:3], 1.0)
    assert 0.5 < gram[3, 3] < 1.0


def test_what_cannot_be_told_is_said():
    X, _ = independent(6, spread=0.5, seed=6)
    few = prepare(adata_of(X), AUTO)
    np.testing.assert_array_equal(few.X, np.log1p(X))
    assert any("6 genes are too few to tell depth" in text for text in few.facts["warnings"])
    asked = prepare(adata_of(independent(spread=0.5)[0]), Config(prepare={"normalize": True}))
    assert any(text.startswith("Totals that") for text in asked.facts["warnings"])


@pytest.mark.parametrize("model", ["linear", "glm"])
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_independent_genes_get_no_edges(model, spread):
    X, _ = independent(n=1000, spread=spread, dominant=0.5, dispersion=0.0, seed=7)
    adata = adata_of(X)
    ac.tl.dag(adata, resamples=0, threads=1, config={"model": model})
    assert len(ac.get.edges(adata)) == 0


def test_of_some_observations_as_small_a_part_of_depth_is_taken_out_as_of_all():
    Q, _ = np.linalg.qr(np.column_stack([np.ones(200), np.random.default_rng(3).standard_normal((200, 2))]))
    Q[:, 2] *= 0.4
    of_rows = basis_of_rows(Q, np.arange(0, 200, 3))
    np.testing.assert_allclose(of_rows.T @ of_rows, np.diag([1.0, 1.0, 0.16]), atol=1e-12)
    np.testing.assert_allclose(np.abs(basis_of_rows(Q, np.arange(200))), np.abs(Q), atol=1e-12)
