"""Runs over files and in memory: the same bits whatever the threads, the parts, the way in, or a kill on the way."""

import json
import sys

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.errors import ConfigError, InputError, MemoryLimitError
from acyclome.io.runs import RunFolder
from acyclome.io.store import Store
from acyclome.pipeline.commands import (
    Runtime,
    plan,
    prepare_stage,
    run,
    run_stage,
)
from acyclome.pipeline.learn import learn
from acyclome.pipeline.resources import estimate

N_OBS, N_VARS, RESAMPLES = 160, 24, 4
GENES = [f"GENE{j}" for j in range(N_VARS)]
CONFIG = Config.from_mapping({"resample": {"resamples": RESAMPLES}, "prepare": {"transform": "none"}})
RESULTS = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")


def expression(seed=1):
    """Draw counts whose logarithms follow a linear network, with a label and a covariate for every cell."""
    rng = np.random.default_rng([111, seed])
    W = np.triu((rng.random((N_VARS, N_VARS)) < 0.12) * rng.uniform(0.6, 0.9, (N_VARS, N_VARS)), 1)
    signal = np.linalg.solve((np.eye(N_VARS) - W).T, rng.standard_normal((N_VARS, N_OBS))).T
    counts = rng.poisson(np.exp(2.0 + 0.8 * signal[:, rng.permutation(N_VARS)])).astype(np.float32)
    obs = pd.DataFrame({"label": ["B", "T"] * (N_OBS // 2)}, [f"cell{i}" for i in range(N_OBS)])
    return anndata.AnnData(sp.csr_matrix(counts), obs=obs, var=pd.DataFrame(index=GENES))


@pytest.fixture(scope="module")
def matrix():
    X = np.log1p(expression().X.toarray()).astype(np.float64)
    X.flags.writeable = False
    return X


@pytest.fixture(scope="module")
def h5ad(tmp_path_factory):
    path = tmp_path_factory.mktemp("input") / "cells.h5ad"
    expression().write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def finished(h5ad, tmp_path_factory):
    """Return the folder of an undisturbed run on one thread."""
    out = tmp_path_factory.mktemp("run") / "out"
    run(h5ad, out, CONFIG, Runtime(threads=1))
    return out


def same_files(one, two):
    return [name for name in RESULTS if (one / name).read_bytes() != (two / name).read_bytes()] == []


def assert_same(one, two):
    for name in ("edges", "ranking", "nodes"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


def step_by_step(h5ad, out, runtime, parts, config=CONFIG):
    prepare_stage(h5ad, out, config, runtime=runtime)
    for stage in ("screen", "fit", "order"):
        run_stage(stage, out, runtime)
    for part in range(parts):
        run_stage("resample", out, runtime, part=part, parts=parts)
    run_stage("network", out, runtime)


def test_stages_that_ask_nothing_of_observations_do_not_load_what_reads_tables(h5ad, tmp_path, monkeypatch):
    out, runtime = tmp_path / "out", Runtime(threads=1)
    prepare_stage(h5ad, out, CONFIG, runtime=runtime)
    for name in ("anndata", "anndata.io"):
        monkeypatch.setitem(sys.modules, name, None)  # an import of them fails
    for stage in ("screen", "fit", "order"):
        run_stage(stage, out, runtime)
    assert RunFolder(out).stage("order.npz").exists()


# Over files


def test_a_run_writes_whole_results_and_a_dag(finished):
    record = json.loads((finished / "run.json").read_text())
    assert record["status"] == "done"
    assert record["network"]["is_dag"]
    assert record["network"]["n_edges"] > 10
    assert set(record["stages"]) == {
        "prepare",
        "confounding",
        "screen",
        "fit",
        "order",
        "resample-1-of-1",
        "validation",
    }
    assert all(cost["peak_memory_mb"] > 0 and cost["seconds"] >= 0 for cost in record["stages"].values())
    assert record["config"] == CONFIG.model_dump(mode="json")
    assert {path.name for path in finished.iterdir()} >= {*RESULTS, "edges.parquet", "network.h5ad", "report.html"}


@pytest.mark.parametrize(("threads", "parts"), [(1, 3), (2, 1), (2, RESAMPLES + 1)])
def test_stages_one_by_one_give_the_bits_of_a_run_for_any_threads_and_parts(h5ad, finished, tmp_path, threads, parts):
    step_by_step(h5ad, tmp_path, Runtime(threads=threads), parts)
    assert same_files(tmp_path, finished)


@pytest.mark.parametrize("lost", ["prepared.h5", "screen.npz", "fit.npz", "order.npz", "resample-1-of-1.npz"])
def test_a_killed_run_resumes_to_the_same_bits(h5ad, finished, tmp_path, lost):
    run(h5ad, tmp_path, CONFIG, Runtime(threads=1))
    told = []
    (tmp_path / "stages" / lost).unlink()
    for name in RESULTS:
        (tmp_path / name).unlink()
    run(h5ad, tmp_path, CONFIG, Runtime(resume=True, progress=lambda stage, _, text: told.append((stage, text))))
    kept = {stage for stage, text in told if text == "kept"}
    assert kept == {"prepare", "confounding", "screen", "fit", "order", "resample", "validation"} - {
        lost.split(".")[0].split("-")[0].replace("prepared", "prepare")
    }
    assert same_files(tmp_path, finished)


def test_resuming_with_other_options_does_again_what_depends_on_them(h5ad, tmp_path):
    run(h5ad, tmp_path, CONFIG, Runtime())
    told = []
    runtime = Runtime(resume=True, progress=lambda stage, _, text: told.append(stage) if text == "kept" else None)
    run(h5ad, tmp_path, CONFIG.with_options({"resample.resamples": 2}), runtime)
    assert set(told) == {"prepare", "confounding", "screen", "fit", "order", "validation"}
    told.clear()
    run(h5ad, tmp_path, CONFIG.with_options({"resample.resamples": 2, "prepare.min_cells": 20}), runtime)
    assert "prepare" not in told


def test_another_list_of_regulators_is_another_preparation_where_few_genes_are_kept(h5ad, tmp_path):
    listed, told = tmp_path / "tf.txt", []
    runtime = Runtime(resume=True, progress=lambda stage, _, text: told.append(stage) if text == "kept" else None)
    asked = CONFIG.with_options({"knowledge.regulators": str(listed), "validation.checks": False})
    few = asked.with_options({"prepare.n_top_genes": 5})
    for config, genes, is_kept in (
        (asked, 1, False),
        (asked, 2, True),
        (few, 2, False),
        (few, 2, True),
        (few, 3, False),
    ):
        listed.write_text("\n".join(GENES[:genes]))
        told.clear()
        prepare_stage(h5ad, tmp_path / "out", config, runtime=runtime)
        assert ("prepare" in told) is is_kept
        with Store.open(tmp_path / "out/stages/prepared.h5") as store:
            assert set(GENES[:genes]) <= set(store.genes)


@pytest.mark.parametrize("stale", ["screen", "order", "resample"])
def test_results_of_other_options_are_not_mixed_in(h5ad, tmp_path, stale):
    step_by_step(h5ad, tmp_path, Runtime(), 1)
    prepare_stage(h5ad, tmp_path, CONFIG.with_options({"score.gamma": 0.0, "screen.partial": 3}), runtime=Runtime())
    stages = ["screen", "fit", "order", "resample"]
    for name in stages[: stages.index(stale)]:
        run_stage(name, tmp_path, Runtime())
    with pytest.raises(InputError, match=f"acyclome {stale}"):
        run_stage("network", tmp_path, Runtime())


def test_resamples_that_are_missing_are_asked_for(h5ad, tmp_path):
    prepare_stage(h5ad, tmp_path, CONFIG, runtime=Runtime())
    for stage in ("screen", "fit", "order"):
        run_stage(stage, tmp_path, Runtime())
    run_stage("resample", tmp_path, Runtime(), part=0, parts=2)
    with pytest.raises(InputError, match="resample"):
        run_stage("network", tmp_path, Runtime())


def test_a_stage_without_a_preparation_says_what_to_do_first(tmp_path):
    with pytest.raises(InputError, match="acyclome prepare"):
        run_stage("screen", tmp_path, Runtime())


def test_every_group_has_a_run_of_its_own(h5ad, tmp_path):
    planned = []
    runtime = Runtime(expect=lambda *plan: planned.append(plan))
    found = run(h5ad, tmp_path, CONFIG.with_options({"input.group_by": "label", "resample.resamples": 0}), runtime)
    assert [place for _, *place in planned] == [[k + 1, len(found)] for k in range(len(found))]
    assert all({"screen", "order", "resample"} <= set(seconds) for seconds, *_ in planned)
    assert set(found) == {"B", "T"}
    for label, network in found.items():
        record = json.loads((tmp_path / label / "run.json").read_text())
        assert record["input"]["group"] == label
        assert record["prepare"]["n_obs"] == N_OBS // 2
        assert network.is_dag
    beside = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(f'href="{label}/report.html"' in beside for label in found)
    assert (
        tmp_path / "groups.tsv"
    ).read_text() == f"label\tfolder\tobservations\nB\tB\t{N_OBS // 2}\nT\tT\t{N_OBS // 2}\n"


def test_a_memory_limit_is_checked_before_any_stage_but_the_preparation(h5ad, tmp_path):
    with pytest.raises(MemoryLimitError, match="--memory"):
        run(h5ad, tmp_path, CONFIG, Runtime(memory=10_000_000))
    assert not (tmp_path / "stages" / "screen.npz").exists()
    assert not (tmp_path / "edges.tsv.gz").exists()


def test_a_plan_knows_the_sizes_and_every_stage(h5ad):
    found = plan(h5ad, CONFIG, Runtime())
    assert (found["n_obs"], found["n_genes"]) == (N_OBS, N_VARS)
    assert {"screen", "fit", "order", "resample"} <= set(found["seconds"])
    more = plan(h5ad, CONFIG.with_options({"resample.resamples": 100}), Runtime())
    assert more["total_seconds"] >= found["total_seconds"]


def test_a_plan_counts_the_search_for_hidden_causes_where_a_run_looks_for_them():
    for model, confounding, looks in (("linear", "auto", True), ("linear", "none", False), ("spline", "auto", False)):
        config = Config.from_mapping({"model": model, "confounding": confounding})
        seconds = estimate(10_000, 1000, config, threads=1)["seconds"]
        assert (seconds["confounding"] > 5) == looks
        assert (seconds["screen"] == 0.0) == looks  # candidates of either are the same
        assert min(seconds[name] for name in ("validation", "network", "report")) > 1
    facts = estimate(10_000, 1000, Config(), threads=2)
    assert facts["seconds"]["confounding"] < 10
    assert facts["seconds_if_confounded"] > facts["total_seconds"] + 30
    unchecked = Config.from_mapping({"validation": {"checks": False}})
    assert estimate(10_000, 1000, unchecked, threads=1)["seconds"]["validation"] == 0


def test_a_plan_counts_what_the_likelihood_of_latent_scores_takes_where_it_is_asked():
    latent = Config.from_mapping({"prepare": {"transform": "latent"}, "resample": {"resamples": 4}})
    few, more, most = (estimate(d, 4000, latent, threads=1)["seconds"] for d in (300, 600, 601))
    for stage, times in (("order", 1), ("resample", 4)):
        assert 7 < (more[stage] - most[stage]) / (few[stage] - most[stage] / 2) < 9  # the cube of twice the genes
        assert more[stage] - most[stage] > 30 * times
    assert more["order"] < 60


def test_no_such_file_is_said(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.h5ad"):
        run(tmp_path / "nowhere.h5ad", tmp_path / "out", CONFIG, Runtime())


def test_learning_from_the_prepared_matrix_is_the_run(h5ad, tmp_path):
    totals = CONFIG.with_options({"prepare.normalize": True})  # depth that is taken out costs degrees of freedom
    run(h5ad, tmp_path / "out", totals, Runtime())
    with Store.open(RunFolder(tmp_path / "out").stage("prepared.h5")) as store:
        X, genes = store.block(0, store.n_vars).T, store.genes
    edges = learn(X, genes, config=CONFIG, threads=2).edges
    written = pd.read_csv(tmp_path / "out" / "edges.tsv.gz", sep="\t")
    assert edges[["source", "target"]].to_numpy().tolist() == written[["source", "target"]].to_numpy().tolist()
    np.testing.assert_allclose(edges["weight"], written["weight"], rtol=1e-5)


# In memory


def test_learning_twice_and_on_two_threads_gives_the_same_bits(matrix):
    one, two, three = (learn(matrix, GENES, resamples=3, threads=threads) for threads in (1, 1, 2))
    assert_same(one, two)
    assert_same(one, three)


def test_sparse_and_dense_matrices_give_the_same_bits(matrix):
    few = np.where(matrix > 2, matrix, 0.0)
    assert_same(learn(few, GENES, resamples=0, threads=1), learn(sp.csr_matrix(few), GENES, resamples=0, threads=1))


def test_another_seed_draws_other_resamples(matrix):
    one, two = (learn(matrix, GENES, resamples=4, seed=seed, threads=1) for seed in (0, 1))
    assert not one.ranking["rank_score"].equals(two.ranking["rank_score"])


def test_confidence_is_what_the_resamples_say(matrix):
    network = learn(matrix, GENES, resamples=5, threads=1)
    edges = network.edges
    assert edges["score"].between(0, 1).all()
    assert edges["score"].corr(edges["stability"] * edges["direction"], method="spearman") > 0.5
    assert set(np.round(edges["stability"] * 5, 6)) <= set(range(6))
    assert edges["score"].is_monotonic_decreasing
    pairs = set(zip(edges["source"], edges["target"], strict=True))
    assert pairs <= set(zip(network.ranking["source"], network.ranking["target"], strict=True))
    assert network.ranking["rank_score"].is_monotonic_decreasing


def test_without_resamples_the_score_comes_from_the_likelihood(matrix):
    edges = learn(matrix, GENES, resamples=0, threads=1).edges
    assert edges[["stability", "direction"]].isna().all().all()
    assert edges["score"].between(0, 1).all()
    assert edges["score"].is_monotonic_decreasing


def test_only_regulators_are_causes(matrix):
    regulators = GENES[::3]
    network = learn(matrix, GENES, regulators=regulators, resamples=2, threads=1)
    assert network.n_edges > 0
    assert set(network.edges["source"]) <= set(regulators)
    assert set(network.ranking["source"]) <= set(regulators)
    assert network.nodes.set_index("gene")["is_regulator"].sum() == len(regulators)


def test_regulators_of_which_some_are_unknown_warn_and_none_known_is_refused(matrix):
    network = learn(matrix, GENES, regulators=[*GENES[:5], "NOBODY"], resamples=0, threads=1)
    assert any("NOBODY" in text for text in network.facts["warnings"])
    with pytest.raises(InputError, match="NOBODY"):
        learn(matrix, GENES, regulators=["NOBODY", "NOONE"], resamples=0, threads=1)


def test_groups_are_learned_each_from_its_own_observations(matrix):
    labels = np.array(["a", "b"])[np.arange(N_OBS) % 2]
    found = learn(matrix, GENES, groups=labels, resamples=0, threads=1)
    assert list(found) == ["a", "b"]
    assert_same(found["b"], learn(matrix[1::2], GENES, resamples=0, threads=1))
    assert_same(found["b"], learn(sp.coo_matrix(matrix), GENES, groups=labels, resamples=0, threads=1)["b"])


def test_as_many_labels_as_observations_are_wanted(matrix):
    with pytest.raises(InputError, match=r"20 labels.*160 observations"):
        learn(matrix, GENES, groups=["a"] * 20, resamples=0, threads=1)


def test_a_fault_of_one_group_names_the_group(matrix):
    labels = ["many"] * (N_OBS - 3) + ["few"] * 3
    with pytest.raises(InputError, match="few"):
        learn(matrix, GENES, groups=labels, resamples=0, threads=1)


def test_the_matrix_is_not_changed(matrix):
    X = matrix.copy()
    learn(X, GENES, resamples=1, threads=1)
    np.testing.assert_array_equal(X, matrix)


def test_genes_without_names_are_numbered(matrix):
    assert set(learn(matrix, resamples=0, threads=1).genes) == {f"gene_{j + 1}" for j in range(N_VARS)}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"score": {"noise": "some"}}, "score.noise"), ({"scores": {}}, "scores"), ({"score": {"gama": 1}}, "gamma")],
)
def test_a_wrong_option_is_named(matrix, options, said):
    with pytest.raises(ConfigError, match=said):
        learn(matrix, GENES, config=options)


def test_input_that_holds_nan_is_refused(matrix):
    X = matrix.copy()
    X[3, 4] = np.nan
    with pytest.raises(InputError, match="NaN"):
        learn(X, GENES, resamples=0)


def test_the_record_of_a_run_in_memory_names_versions_options_and_convergence(matrix):
    facts = learn(matrix, GENES, resamples=2, threads=1, config=CONFIG).facts
    assert facts["seed"] == 0
    assert facts["resample"]["resamples"] == 2
    assert [point["mu"] for point in facts["fit"]["convergence"]] == list(CONFIG.fit.mu)
    assert facts["order"]["score"] <= facts["order"]["score_at_local_optimum"] + 1e-3
    assert {"numpy", "numba", "python"} <= set(facts["versions"])
    json.dumps(facts)


# A session


def test_a_session_in_memory_refuses_to_go_ahead_of_itself(bench, matrix):
    current = bench.session(matrix.T, CONFIG)
    with pytest.raises(InputError, match="screen"):
        current.fit()


def test_a_memory_limit_is_checked_when_a_task_begins(bench, matrix):
    with pytest.raises(MemoryLimitError):
        bench.task(matrix.T, CONFIG, memory=1)
