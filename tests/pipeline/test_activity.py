"""The option ``activity``: regulators that act otherwise than they show, through every door and in every stage."""

import json
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.core.data.confounders import Deconfounding
from acyclome.errors import ConfigError
from acyclome.evaluate.simulate import simulate
from acyclome.pipeline.commands import run
from acyclome.pipeline.task import Runtime


@pytest.fixture(scope="module")
def data():
    """Genes of a hub graph whose regulators are seen with an error, .1 of what is seen of them."""
    drawn = simulate(150, 600, graph="hub", standardised=True, seed=4)
    assert drawn.regulators is not None
    X = drawn.X.copy()
    X[:, drawn.regulators] += 0.33 * np.random.default_rng(44).standard_normal((600, len(drawn.regulators)))
    return replace(drawn, X=X)


def learn(X, resamples=0, **options):
    return ac.learn(X, resamples=resamples, threads=1, config=options)


@pytest.fixture(scope="module")
def found(data):
    return learn(data.X)


def pairs(network) -> set[frozenset[int]]:
    return {frozenset(pair) for pair in zip(network.source.tolist(), network.target.tolist(), strict=True)}


def test_targets_of_regulators_that_stray_are_joined_far_less_often(data, found):
    true = {frozenset(pair) for pair in zip(data.source.tolist(), data.target.tolist(), strict=True)}
    seen = learn(data.X, activity="none", confounding="none")
    regulators = found.facts["confounding"]["activity"]["regulators"]
    names = {found.genes[g] for g in data.source}
    assert len(names & set(regulators)) >= 0.7 * len(names)
    assert all(0 < share < 1 for share in regulators.values())
    assert "activity" not in seen.facts["confounding"]
    assert len(pairs(found) - true) < 0.25 * len(pairs(seen) - true)
    assert len(pairs(found) & true) > len(pairs(seen) & true)


def test_where_expression_is_what_acts_the_bits_are_those_without_looking():
    X = simulate(100, 300, graph="hub", standardised=True, seed=6).X
    one, other = learn(X), learn(X, activity="none")
    pd.testing.assert_frame_equal(one.edges, other.edges, check_exact=True)
    assert one.facts["confounding"]["activity"]["regulators"] == {}


def test_where_they_cannot_be_looked_for_a_run_that_asked_says_why(data):
    facts = learn(data.X[:, :20], activity="latent").facts["confounding"]
    assert facts["warnings"] == [
        "No activities of regulators were looked for (activity latent): under 30 genes do not show them."
    ]
    assert learn(data.X[:, :20]).facts["confounding"]["warnings"] == []


def test_what_expression_leaves_in_common_is_no_warning_where_activities_were_taken(found):
    facts = found.facts["confounding"]
    assert "residual_correlation" not in facts
    assert facts["residual_correlation_without"] > 0
    assert facts["warnings"] == []


def test_models_of_curves_learn_from_activities_that_were_asked_for(data):
    X = data.X[:300, :60]
    asked = learn(X, model="polynomial", activity="latent").facts["confounding"]["activity"]
    assert asked["gain"] > 0
    assert len(asked["regulators"]) > 0
    assert "activity" not in learn(X, model="polynomial").facts["confounding"]


def test_on_any_threads_from_files_and_taken_up_again_activities_give_the_same_bits(data, tmp_path):
    names = [f"gene_{k + 1}" for k in range(150)]
    table = pd.DataFrame(data.X.astype(np.float32), columns=names, index=[f"cell_{k}" for k in range(600)])
    ad.AnnData(table).write_h5ad(tmp_path / "X.h5ad")
    config = Config().with_options({"resample.resamples": 2, "validation.checks": False})
    run(tmp_path / "X.h5ad", tmp_path / "one", config, Runtime(threads=1))
    record = json.loads((tmp_path / "one/run.json").read_text())
    assert len(record["confounding"]["activity"]["regulators"]) > 0
    files = ("edges.tsv.gz", "nodes.tsv", "ranking.tsv.gz")
    kept = [(tmp_path / "one" / name).read_bytes() for name in files]
    (tmp_path / "one/stages/order.npz").unlink()
    run(tmp_path / "X.h5ad", tmp_path / "one", config, Runtime(threads=2, resume=True))
    assert kept == [(tmp_path / "one" / name).read_bytes() for name in files]
    here = ac.learn(table, resamples=2, threads=2, config={"validation": {"checks": False}})
    written = ac.read(tmp_path / "one")
    for name in ("edges", "nodes", "ranking"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(written, name), check_exact=True)


def test_a_part_of_genes_and_observations_keeps_its_activities():
    activity = np.arange(12.0).reshape(3, 4)
    whole = Deconfounding(np.empty((0, 4)), regulators=np.array([1, 4, 7]), activity=activity)
    part = whole.subset(np.array([0, 4, 5, 7]), np.array([1, 3]))
    assert part.regulators.tolist() == [1, 3]
    np.testing.assert_array_equal(part.activity, activity[1:, [1, 3]])
    Z = np.zeros((4, 2))
    part.apply(Z, 1)
    np.testing.assert_allclose(Z, [[0, 0], [-1, 1], [0, 0], [-1, 1]])


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        ({"activity": "latent", "confounding": "trim"}, {}, "confounding trim"),
        ({"activity": "latent", "confounding": "factors"}, {}, "confounding factors"),
        ({"activity": "latent"}, {"perturbation": [""] * 50 + ["gene_1"] * 10}, "interventions"),
        ({"activity": "latent", "shard": {"shards": 2}}, {}, "shards"),
    ],
)
def test_what_does_not_go_with_it_is_refused_with_the_reason(options, given, words):
    X = np.random.default_rng(7).standard_normal((60, 45))
    with pytest.raises(ConfigError, match=words):
        ac.learn(X, resamples=0, threads=1, config=options, **given)


@pytest.mark.parametrize("seed", [0, 2])
def test_where_factors_are_the_truth_no_activities_stand_in_for_them(seed):
    """Genes without an edge, whose activities gained .75 of what the factors did, and edges of a score of .85."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((800, 2))
    loadings = rng.standard_normal((2, 150)) * (rng.random((2, 150)) < 0.7)
    network = learn(0.5 * scores @ loadings + rng.standard_normal((800, 150)))
    assert network.facts["confounding"]["method"] == "factors"
    assert network.n_edges <= 2
