"""The model glm from counts to network: size factors, what is refused, the same network from file and memory."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore
from acyclome.prepare import prepare
from acyclome.prepare.size_factors import size_factors

QUICK = {
    "model": "glm",
    "glm": {"size_factors": "size_factor"},
    "prepare": {"min_cells": 1},
    "search": {"perturbations": 0},
}


@pytest.fixture(scope="module")
def drawn():
    return simulate(12, 300, noise="negative-binomial", seed=4)


@pytest.fixture(scope="module")
def adata(drawn):
    obs = pd.DataFrame({"size_factor": drawn.size, "half": np.repeat(["a", "b"], 150)})
    obs.index = obs.index.astype(str)
    return ad.AnnData(drawn.X.astype(np.float32), obs=obs, var=pd.DataFrame(index=drawn.genes))


def store_of(X, **columns):
    genes = [f"g{k}" for k in range(X.shape[1])]
    return MemoryStore(X.T, genes, obs_columns=pd.DataFrame(columns) if columns else None)


def edges_of(network):
    return set(zip(network.edges["source"], network.edges["target"], strict=True))


def test_size_factors_are_the_totals_over_their_mean(drawn):
    totals = drawn.X.sum(axis=1)
    np.testing.assert_allclose(size_factors(store_of(drawn.X), "total"), totals / totals.mean())
    assert size_factors(store_of(drawn.X), "none").tolist() == [1.0] * 300
    own = size_factors(store_of(drawn.X, depth=2 * drawn.size), "depth")
    np.testing.assert_allclose(own, drawn.size / drawn.size.mean())


@pytest.mark.parametrize(
    ("change", "wanted", "text"),
    [
        (lambda X: X + 0.5, "total", "expected counts"),
        (lambda X: -X, "none", "expected counts"),
        (lambda X: X * (np.arange(300) != 7)[:, None], "total", "'7' has no counts"),
        (lambda X: X, "depth", "no column 'depth'"),
        (lambda X: X, "half", "holds no numbers"),
    ],
)
def test_what_gives_no_size_factors_is_refused(drawn, change, wanted, text):
    with pytest.raises(InputError, match=text):
        size_factors(store_of(change(drawn.X), half=["a"] * 300), wanted)


@pytest.mark.parametrize(
    "options",
    [{"prepare": {"transform": "rank"}}, {"prepare": {"covariates": ["half"]}}, {"input": {"joint": True}}],
)
def test_counts_are_not_ranked_nor_standardized_in_groups_nor_are_covariates_taken_out(options):
    with pytest.raises(ConfigError, match=r"glm does not go with (prepare|input)\..*counts"):
        Config.from_mapping({"model": "glm", **options})


def test_the_preparation_keeps_counts_and_notes_their_totals(adata):
    done = prepare(adata, Config.from_mapping(QUICK))
    assert np.array_equal(done.X, adata.X.T)
    assert done.obs_columns["total_counts"].tolist() == adata.X.sum(axis=1).tolist()
    few = prepare(adata, Config.from_mapping(QUICK).with_options({"prepare.n_top_genes": 5}))
    assert few.X.shape == (5, 300)
    assert few.obs_columns["total_counts"].tolist() == adata.X.sum(axis=1).tolist()


def test_values_that_are_no_counts_are_refused_by_the_preparation(adata):
    logged = adata.copy()
    logged.X = np.log1p(logged.X)
    with pytest.raises(InputError, match="expected counts"):
        prepare(logged, Config.from_mapping(QUICK))


def test_file_memory_and_threads_give_one_network(adata, tmp_path):
    adata.write_h5ad(tmp_path / "counts.h5ad")
    (tmp_path / "options.yaml").write_text(json.dumps(QUICK), encoding="utf-8")
    tables = []
    for threads in ("1", "2"):
        out = tmp_path / f"out{threads}"
        words = (
            "run",
            tmp_path / "counts.h5ad",
            "-o",
            out,
            "--config",
            tmp_path / "options.yaml",
            "--resamples",
            "2",
            "--threads",
            threads,
            "--quiet",
        )
        assert main([str(word) for word in words]) == 0
        tables.append(pd.read_csv(out / "edges.tsv.gz", sep="\t"))
        assert "negative binomial" in (out / "report.html").read_text(encoding="utf-8")
    pd.testing.assert_frame_equal(*tables)
    here = adata.copy()
    ac.tl.dag(here, resamples=2, threads=1, config=QUICK)
    shown = ["source", "target", "weight", "score", "stability"]
    pd.testing.assert_frame_equal(tables[0][shown], ac.get.edges(here)[shown], check_dtype=False, atol=1e-6)


def test_shards_take_the_size_factors_of_their_observations(adata):
    whole = ac.tl.dag(adata, resamples=0, threads=1, config=QUICK, copy=True)
    cut = ac.tl.dag(adata, resamples=0, threads=1, config={**QUICK, "shard": {"shards": 2}}, copy=True)
    assert edges_of(ac.get.network(cut)) == edges_of(ac.get.network(whole))


def test_logistic_learns_who_depends_on_whom_from_what_is_seen():
    rng = np.random.default_rng([91, 1])
    X = np.zeros((500, 6))
    for j in range(6):
        X[:, j] = rng.random(500) < 1 / (1 + np.exp(-(2.5 * (2 * X[:, j - 1] - 1) if j else 0.0)))
    options = {"model": "glm", "glm": {"family": "logistic", "size_factors": "none"}}
    network = ac.learn(X, list("abcdef"), resamples=0, seed=1, threads=1, config=options)
    assert {frozenset(edge) for edge in edges_of(network)} == {
        frozenset(pair) for pair in zip("abcde", "bcdef", strict=True)
    }


def test_poisson_learns_from_counts_without_overdispersion():
    rng = np.random.default_rng([91, 2])
    cause = rng.poisson(4.0, 800)
    X = np.column_stack([cause, rng.poisson(2.0 * np.exp(0.25 * (cause - 4))), rng.poisson(3.0, 800)])
    options = {"model": "glm", "glm": {"family": "poisson", "size_factors": "none"}}
    network = ac.learn(X, list("abc"), resamples=0, seed=1, threads=1, config=options)
    assert edges_of(network) == {("a", "b")}
