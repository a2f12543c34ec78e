"""The option ``confounding``: what is taken out of the data, what is said of it, and what does not go with it."""

import json

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import acyclome as ac
from acyclome.config import Config
from acyclome.core.data import standardized
from acyclome.core.data.standardized import Standardized
from acyclome.errors import ConfigError
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.simulate import simulate
from acyclome.pipeline import confounding
from acyclome.pipeline.commands import run
from acyclome.pipeline.confounding import columns_of
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.task import Runtime


@pytest.fixture(scope="module")
def confounded():
    """Genes of a hub graph with a factor that is a batch, (500, 200), the batch, and the true edges."""
    data = simulate(200, 500, graph="hub", standardised=True, seed=4)
    rng = np.random.default_rng(5)
    batch = rng.integers(0, 2, 500)
    return data.X + np.outer(2.0 * batch - 1.0, rng.uniform(-1, 1, 200)), batch, data


def learn(X, **options):
    return ac.learn(X, resamples=0, threads=1, config=options)


def right(network, data) -> float:
    true = set(zip(data.source.tolist(), data.target.tolist(), strict=True))
    index = {gene: k for k, gene in enumerate(network.genes)}
    edges = {(index[s], index[t]) for s, t in zip(network.edges["source"], network.edges["target"], strict=True)}
    return 2 * len(edges & true) / (len(edges) + len(true))


@pytest.fixture(scope="module")
def found(confounded):
    return learn(confounded[0])


@pytest.fixture(scope="module")
def without(confounded):
    return learn(confounded[0], confounding="none")


def test_a_hidden_batch_is_found_and_its_edges_go(confounded, found, without):
    _, _, data = confounded
    facts = found.facts["confounding"]
    assert facts["method"] == "factors"
    assert len(facts["factors"]) == 1
    assert len(facts["factors"][0]["genes"]) == 10
    assert right(found, data) > right(without, data) + 0.1
    assert without.facts["confounding"]["factors"] == []


def test_of_many_observations_factors_are_told_from_some_and_taken_out_of_all(confounded, found, without, monkeypatch):
    X, _, data = confounded
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    monkeypatch.setattr(confounding, "LOOKED_OBSERVATIONS", 400)
    asked, whole = [], Standardized.whole.fget
    formed = property(lambda one: (one.is_held or asked.append(one.shape[1]), whole(one))[1])
    monkeypatch.setattr(Standardized, "whole", formed)
    of_some = learn(X)
    assert max(asked) == 400
    one, same = (network.facts["confounding"]["factors"] for network in (of_some, found))
    assert len(one) == len(same) == 1
    assert len(one[0]["genes"].keys() & same[0]["genes"].keys()) >= 5  # of ten, of 200; 6 to 9 of 200 to 499
    assert right(of_some, data) > right(without, data) + 0.05  # .08 to .11, as the observations drawn are others


def test_observations_of_sparse_data_are_drawn_in_one_pass_and_are_what_they_were(bench, monkeypatch):
    X = sp.csr_matrix(np.random.default_rng(9).poisson(0.3, (40, 300)).astype(np.float32))
    task = bench.task(bench.store(X))
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    monkeypatch.setattr(confounding, "LOOKED_OBSERVATIONS", 50)
    part = task.data.subset(rows=np.arange(300)).store
    monkeypatch.setattr(type(part), "block", lambda *_: pytest.fail("genes of all observations were made dense"))
    drawn = confounding._drawn(task).store
    rows = [task.data.store.observations.index(name) for name in drawn.observations]
    assert len(rows) == 50
    np.testing.assert_array_equal(drawn.block(0, 40), X.toarray()[:, rows])


def test_where_no_factors_are_looked_for_nobody_looks_at_the_data(bench, monkeypatch):
    task = bench.task(np.eye(5), Config.from_mapping({"confounding": "none", "activity": "none"}))
    monkeypatch.setattr(Dataset, "problem", lambda *_: pytest.fail("the data were looked at"))
    monkeypatch.setattr(type(task), "problem", property(lambda _: pytest.fail("the data were looked at")))
    assert confounding.find(task).facts["method"] == "none"


def test_a_factor_is_said_to_go_with_the_columns_that_it_is(confounded):
    _, batch, _ = confounded
    rng = np.random.default_rng(8)
    factor = 2.0 * batch - 1.0 + 0.1 * rng.standard_normal(500)
    factor = (factor - factor.mean()) / factor.std()
    columns = pd.DataFrame(
        {
            "batch": np.where(batch, "b", "a"),
            "depth": 3.0 * batch,
            "noise": rng.random(500),
            "cell": list(map(str, range(500))),
        }
    )
    shares = columns_of(factor, columns)
    assert set(shares) == {"batch", "depth"}
    assert shares["batch"] == pytest.approx(np.corrcoef(batch, factor)[0, 1] ** 2, abs=0.01)
    assert columns_of(factor, None) == {}
    gaps = columns.assign(batch=pd.array(np.where(batch, "b", None), dtype="string"))  # what is missing is a label
    assert columns_of(factor, gaps)["batch"] == pytest.approx(shares["batch"])


def test_where_nothing_is_hidden_the_bits_are_those_without_looking():
    X = simulate(100, 300, graph="er", standardised=True, seed=6).X
    one, other = learn(X), learn(X, confounding="none")
    pd.testing.assert_frame_equal(one.edges, other.edges, check_exact=True)
    assert one.facts["confounding"]["method"] == "none"


def test_on_any_threads_from_files_and_taken_up_again_factors_give_the_same_bits(confounded, tmp_path):
    X, _, _ = confounded
    table = pd.DataFrame(
        X.astype(np.float32), columns=[f"gene_{k + 1}" for k in range(200)], index=[f"cell_{k}" for k in range(500)]
    )
    ad.AnnData(table).write_h5ad(tmp_path / "X.h5ad")
    config = Config().with_options({"resample.resamples": 2, "validation.checks": False})
    names = ("edges.tsv.gz", "nodes.tsv", "ranking.tsv.gz")
    run(tmp_path / "X.h5ad", tmp_path / "one", config, Runtime(threads=1))
    assert json.loads((tmp_path / "one/run.json").read_text())["confounding"]["method"] == "factors"
    kept = [(tmp_path / "one" / name).read_bytes() for name in names]
    for name in ("order", "resample-1-of-1"):
        (tmp_path / "one/stages" / f"{name}.npz").unlink()
    run(tmp_path / "X.h5ad", tmp_path / "one", config, Runtime(threads=2, resume=True))
    assert kept == [(tmp_path / "one" / name).read_bytes() for name in names]
    here = ac.learn(table, resamples=2, threads=2, config={"validation": {"checks": False}})
    written = ac.read(tmp_path / "one")
    for name in ("edges", "nodes", "ranking"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(written, name), check_exact=True)


def test_factors_that_leave_most_in_common_are_none_of_auto():
    rng = np.random.default_rng(9)
    cause = rng.standard_normal((5, 400))
    # Saturation: what lines leave of the children of one cause is one and the same curve of it.
    children = np.repeat(np.tanh(3.0 * cause), 12, axis=0) + 0.3 * rng.standard_normal((60, 400))
    network = learn(np.vstack([cause, children]).T)
    facts = network.facts["confounding"]
    assert facts["method"] == "none"
    assert facts["residual_correlation_without"] > 0.01


def test_genes_that_are_hardly_more_than_a_factor_are_no_regulators_with_an_activity():
    X = simulate(300, 800, degree=0.0, factors=Factors(2, share=0.3, coverage=0.5), standardised=True, seed=5).X
    found = learn(X)
    facts = found.facts["confounding"]
    assert (facts["method"], len(facts["factors"])) == ("factors", 2)
    assert "activity" not in facts
    assert len(found.edges) < 10


def test_auto_leaves_data_for_curves_as_they_are(confounded):
    X, _, _ = confounded
    assert learn(X[:, :50], model="polynomial").facts["confounding"] == {
        "method": "none",
        "factors": [],
        "warnings": [],
    }


def test_trim_leaves_few_edges_nearly_all_of_them_right(confounded):
    X, _, data = confounded
    trimmed = learn(X, confounding="trim")
    index = {gene: k for k, gene in enumerate(trimmed.genes)}
    pairs = {frozenset(pair) for pair in zip(data.source.tolist(), data.target.tolist(), strict=True)}
    joined = [
        frozenset((index[s], index[t])) in pairs
        for s, t in zip(trimmed.edges["source"], trimmed.edges["target"], strict=True)
    ]
    assert len(joined) < 0.7 * len(data.source)
    assert np.mean(joined) > 0.9


@pytest.mark.parametrize(
    ("options", "given", "words"),
    [
        ({"confounding": "trim", "model": "spline"}, {}, "mixes observations"),
        ({"confounding": "factors"}, {"perturbation": [""] * 50 + ["gene_1"] * 10}, "interventions"),
        ({"confounding": "trim", "shard": {"shards": 2}}, {}, "shards"),
    ],
)
def test_what_does_not_go_with_it_is_refused_with_the_reason(options, given, words):
    X = np.random.default_rng(7).standard_normal((60, 45))
    with pytest.raises(ConfigError, match=words):
        ac.learn(X, resamples=0, threads=1, config=options, **given)


def test_the_edges_of_a_hidden_batch_are_said_to_be_its_work(confounded, without):
    edges = without.edges
    clean = learn(confounded[2].X, confounding="none").edges
    assert edges["confounded"].mean() > clean["confounded"].mean() + 0.2
    assert edges["score"].mean() < clean["score"].mean() - 0.2


def test_where_lines_or_interventions_could_be_taken_for_a_cause_nothing_is_said(confounded):
    X = pd.DataFrame(confounded[0][:, :8], columns=list("ABCDEFGH"))
    assert learn(X, model="spline").edges["confounded"].isna().all()
    labels = np.where(np.arange(500) < 50, "A", "")
    acted = ac.learn(X, resamples=0, threads=1, perturbation=labels)
    assert acted.edges["confounded"].isna().all()


@pytest.mark.parametrize("noise", ["unequal", "equal"])
def test_candidates_that_the_search_for_factors_has_seen_are_those_of_the_screening(noise):
    X = simulate(300, 200, standardised=True, seed=6).X
    looked, plain = (learn(X, confounding=method, score={"noise": noise}) for method in ("auto", "none"))
    assert looked.facts["confounding"]["method"] == "none"
    assert looked.facts["screen"] == plain.facts["screen"]
    pd.testing.assert_frame_equal(looked.edges, plain.edges)
