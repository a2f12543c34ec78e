"""``prepare.transform latent``: counts to networks of the expression behind them, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.umi import Umi
from acyclome.io.store import MemoryStore
from acyclome.pipeline import validation
from acyclome.pipeline.dataset import Dataset
from acyclome.prepare import prepare

LATENT = {"prepare": {"transform": "latent"}}


def counted(d=60, n=2000, **options):
    return simulate(d, n, observation=Umi(depth=(0.5, 5.0)), seed=3, **options)


def learn(X, **options):
    return ac.learn(X, **{"resamples": 0, "threads": 1, "config": LATENT, **options})


def right(net, drawn):
    truth = set(zip(drawn.source.tolist(), drawn.target.tolist(), strict=True))
    edges = set(zip(net.source.tolist(), net.target.tolist(), strict=True))
    return 2 * len(truth & edges) / (len(truth) + len(edges))


def test_more_edges_are_right_than_with_logarithms_at_equal_totals():
    drawn = counted(d=100, n=4000, graph="hub")
    totals = drawn.X.sum(axis=1, keepdims=True)
    logs = np.log1p(drawn.X / totals * totals.mean())
    quick = {"search": {"perturbations": 0}, "fit": {"relax": False}}
    assert right(learn(drawn.X, config=LATENT | quick), drawn) > right(learn(logs, config=quick), drawn) + 0.1


def test_what_counts_blur_is_parted_where_they_are_deep():
    """Effects of a blurred cause are joined by correlations; by the likelihood of what is seen .85 of F1 become .97."""
    drawn = simulate(200, 4000, graph="er", degree=2.0, observation=Umi(depth=(5.0, 50.0)), seed=3)
    net = learn(drawn.X)
    assert right(net, drawn) > 0.94
    truth = set(zip(drawn.source.tolist(), drawn.target.tolist(), strict=True))
    edges = set(zip(net.source.tolist(), net.target.tolist(), strict=True))
    assert len({frozenset(e) for e in edges} - {frozenset(e) for e in truth}) <= 0.05 * len(edges)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_independent_genes_get_edges(seed):
    X = simulate(200, 2000, degree=0.0, observation=Umi(depth=(0.5, 20.0)), seed=seed).X
    assert len(learn(X).edges) <= 2  # one in a hundred genes


def test_resamples_and_regulators_go_with_it():
    drawn = counted()
    causes = [f"gene_{g + 1}" for g in range(0, 60, 2)]
    net = learn(drawn.X, resamples=3, regulators=causes)
    assert set(net.edges["source"]) <= set(causes)
    assert net.edges["stability"].notna().all()


def test_a_run_says_what_its_observations_are_worth_and_more_counts_are_worth_more():
    worth = []
    for depth in ((0.2, 2.0), (2.0, 20.0)):
        drawn = simulate(60, 2000, observation=Umi(depth=depth), seed=3)
        worth.append(learn(drawn.X).facts["screen"]["n_effective"])
    assert 2.0 <= worth[0] < worth[1] < 2000


def test_bits_do_not_depend_on_threads():
    drawn = counted()
    one, more = (learn(drawn.X, resamples=2, threads=threads) for threads in (1, 3))
    assert one.edges.equals(more.edges)


def test_a_knockout_takes_a_gene_to_the_lowest_that_its_counts_tell():
    net = learn(counted().X)
    assert (net.nodes["lowest"] < 0).all()


def test_it_is_refused_what_is_no_counts():
    with pytest.raises(InputError, match="expected counts"):
        learn(np.random.default_rng(0).standard_normal((50, 6)))


def test_more_genes_than_can_be_decomposed_are_refused_with_a_way_out(monkeypatch):
    monkeypatch.setattr("acyclome.pipeline.dataset.PRECISE_GENES", 5)
    with pytest.raises(InputError, match=r"takes 5 genes at most.*found 60.*n_top_genes"):
        learn(counted().X)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"model": "auto"}, "model auto"),
        ({"model": "spline"}, "model spline does not go with prepare.transform latent"),
        ({"model": "glm"}, "model glm does not go with prepare.transform latent"),
        ({"input.perturbation": "guide"}, "interventions"),
        ({"shard.shards": 2}, "shards"),
        ({"confounding": "factors"}, "factors"),
        ({"prepare.covariates": ["batch"]}, "covariates"),
        ({"score.noise": "equal"}, "score.noise equal"),
        ({"score.non_gaussian": True}, "non_gaussian"),
        ({"prepare.log": True}, "log"),
    ],
)
def test_what_does_not_go_with_it_is_named(options, named):
    with pytest.raises(ConfigError, match=named):
        Config.from_mapping(LATENT).with_options(options)


def test_the_preparation_keeps_counts_and_says_what_becomes_of_them():
    import anndata

    X = counted().X
    prepared = prepare(anndata.AnnData(X), Config.from_mapping(LATENT))
    np.testing.assert_array_equal(
        np.asarray(prepared.X.todense() if hasattr(prepared.X, "todense") else prepared.X), X.T
    )
    assert any("expression behind them" in step["what"] for step in prepared.facts["steps"])


def test_permuted_counts_are_scored_as_the_counts_are_and_say_nothing_of_common_causes():
    drawn = counted()
    store = MemoryStore(drawn.X.T.astype(np.float32), [f"G{k}A" for k in range(drawn.X.shape[1])])
    data = Dataset.build(store, Config().with_options({"prepare.transform": "latent"}))
    assert data.is_latent
    assert validation._bare(data, store, data.sources, size=None, lost=0.0).is_latent
    assert learn(drawn.X).edges["confounded"].isna().all()
