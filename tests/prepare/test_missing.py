"""Values that are missing: refused unless asked otherwise; what is left out or filled in is counted and said."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.prepare import prepare

ASKED = ("drop-genes", "drop-observations", "impute")


def counts():
    rng = np.random.default_rng(7)
    level = np.exp(rng.normal(0.0, 1.0, 40)) * rng.gamma(5.0, 0.2, (120, 1))
    return rng.poisson(level).astype(np.float32)


def annotated(X, **columns):
    obs = pd.DataFrame(columns, index=[f"cell_{i}" for i in range(X.shape[0])])
    return anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"GENE{i}A" for i in range(X.shape[1])]))


def with_gaps(X=None):
    """Return counts with gaps: of gene 9 most, of genes 11 and 12 some, in observations 3 and 4 and 20 to 99."""
    X = counts() if X is None else X
    X[20:100, 9] = np.nan
    X[3, 11] = X[3, 12] = X[4, 12] = np.nan
    return X


def prepared(adata, policy, **options):
    return prepare(adata, Config(prepare={"missing": policy, "min_cells": 0, "transform": "none", **options}))


def assert_same(X, expected):
    """The same but for rounding: whether a matrix is kept sparse depends on what it held before."""
    X, expected = (x.toarray() if sp.issparse(x) else x for x in (X, expected))
    np.testing.assert_allclose(X, expected, atol=1e-6)


def step(done):
    (found,) = [one for one in done.facts["steps"] if one["step"] == "missing"]
    assert found["what"] in done.facts["warnings"]
    return found


@pytest.mark.parametrize("make", [np.array, sp.csr_matrix, sp.csc_matrix])
def test_genes_or_observations_with_gaps_are_left_out_as_if_they_had_never_been_there(make):
    whole = with_gaps()
    done = prepared(annotated(make(whole)), "drop-genes")
    keep = ~np.isnan(whole).any(axis=0)
    other = annotated(make(whole[:, keep]))
    other.var_names = [f"GENE{j}A" for j in np.flatnonzero(keep)]
    assert_same(done.X, prepared(other, "refuse").X)
    assert (step(done)["genes_dropped"], step(done)["missing"]) == (3, 83)
    done = prepared(annotated(make(whole)), "drop-observations")
    keep = ~np.isnan(whole).any(axis=1)
    assert_same(done.X, prepared(annotated(make(whole[keep])), "refuse").X)
    assert done.observations == [f"cell_{i}" for i in np.flatnonzero(keep)]
    assert step(done)["obs_dropped"] == (~keep).sum() == 82


@pytest.mark.parametrize("make", [np.array, sp.csr_matrix, sp.csc_matrix])
def test_gaps_are_filled_with_a_median_that_was_measured_and_counts_stay_counts(make):
    whole = with_gaps()
    done = prepared(annotated(make(whole)), "impute")
    table = pd.DataFrame(whole).drop(columns=9)
    filled = table.fillna(table.quantile(0.5, interpolation="lower")).to_numpy(np.float32)
    other = annotated(make(filled))
    other.var_names = [f"GENE{j}A" for j in table.columns]
    assert done.genes == other.var_names.tolist()
    assert_same(done.X, prepared(other, "refuse").X)
    assert {"genes_dropped": 1, "imputed": 3, "missing": 83}.items() <= step(done).items()
    assert done.facts["kind"] == "counts"


def test_an_observation_without_a_covariate_goes_with_those_that_have_gaps():
    batch = ["x", "y"] * 60
    batch[7] = None
    adata = annotated(counts(), batch=batch)
    done = prepared(adata, "drop-observations", covariates=["batch"])
    assert "cell_7" not in done.observations
    assert step(done)["what"] == "1 observation was left out, with missing values (of 1 in batch): cell_7."
    for policy in ("refuse", "drop-genes", "impute"):
        with pytest.raises(InputError, match="--missing drop-observations"):
            prepared(adata, policy, covariates=["batch"])


@pytest.mark.parametrize("policy", ASKED)
def test_nothing_happens_where_nothing_is_missing(policy):
    adata = annotated(counts())
    done, plain = prepared(adata, policy), prepared(adata, "refuse")
    assert (done.X != plain.X).sum() == 0
    assert done.facts == plain.facts


@pytest.mark.parametrize("policy", ASKED)
def test_infinite_values_are_no_gaps(policy):
    X = with_gaps()
    X[30, 30] = np.inf
    with pytest.raises(InputError, match=r"holds 1 infinite value, .* 'cell_30', gene 'GENE30A'"):
        prepared(annotated(X), policy)


@pytest.mark.parametrize(("policy", "text"), [("drop-genes", "40 genes have gaps"), ("drop-observations", "0 obs")])
def test_a_policy_that_leaves_nothing_is_refused_with_the_others(policy, text):
    X = counts()
    X[:, 0] = X[0] = np.nan
    with pytest.raises(InputError, match=rf"(?s){text}.*--missing"):
        prepared(annotated(X), policy)


@pytest.mark.parametrize("policy", ASKED)
def test_every_door_gives_the_same_network(policy, tmp_path, capsys):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(150, 12)).astype(np.float32) + 8
    X[:, 1] += X[:, 0]
    X[40:120, 3] = np.nan
    X[3, 1] = X[4, 5] = np.nan
    adata = annotated(X)
    adata.write_h5ad(tmp_path / "in.h5ad")
    pd.DataFrame(X, adata.obs_names, adata.var_names).to_csv(tmp_path / "in.csv")
    quick = ["--resamples", "0", "--validation.checks", "false", "--threads", "1", "--missing", policy]
    edges = {}
    for name in ("in.h5ad", "in.csv"):
        assert main(["run", str(tmp_path / name), "-o", str(tmp_path / name[3:]), *quick]) == 0
        assert "missing" in " ".join(capsys.readouterr().err.split())
        edges[name] = ac.read(tmp_path / name[3:]).edges
        record = json.loads((tmp_path / name[3:] / "run.json").read_text())
        assert any(one["step"] == "missing" for one in record["prepare"]["steps"])
        assert any("missing" in text for text in record["warnings"])
        assert "missing" in (tmp_path / name[3:] / "report.html").read_text()
    options = {"prepare": {"missing": policy}, "validation": {"checks": False}}
    ac.tl.dag(adata, config=options, resamples=0, threads=1)
    pd.testing.assert_frame_equal(edges["in.h5ad"], edges["in.csv"])
    pd.testing.assert_frame_equal(edges["in.h5ad"], ac.get.network(adata).edges, check_dtype=False)


def test_a_layer_cannot_lose_observations():
    with pytest.raises(InputError, match="missing changes the observations"):
        ac.pp.prepare(annotated(with_gaps()), missing="drop-observations")
    adata = annotated(with_gaps())
    ac.pp.prepare(adata, missing="impute", min_cells=0)
    assert not adata.var["dag_used"].iloc[9]
    assert np.isfinite(adata.layers["dag_input"]).all()
