"""Stages on data in memory: seeds, parts of resamples, and what the network is put together from."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from acyclome.confidence.calibration import joined_probability
from acyclome.confidence.resample import Support
from acyclome.config import Config
from acyclome.core import backend
from acyclome.core.backend import ThreadBackend
from acyclome.core.data import standardized
from acyclome.core.data.confounders import Deconfounding
from acyclome.core.data.standardized import Standardized
from acyclome.core.screening import near
from acyclome.machine import peak_memory_mb
from acyclome.pipeline import halves, stages
from acyclome.pipeline.assembly import assemble
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.keys import Part
from acyclome.pipeline.records import Resampled
from acyclome.pipeline.task import measured, seed_of

N_OBS, N_VARS = 120, 15
CONFIG = Config.from_mapping({"resample": {"resamples": 5}})
WHOLE, NO_RESAMPLES = Part(0, 1), Resampled.joined([])


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(121)
    W = np.triu((rng.random((N_VARS, N_VARS)) < 0.2) * rng.uniform(0.5, 1, (N_VARS, N_VARS)), 1)
    found = np.linalg.solve((np.eye(N_VARS) - W).T, rng.standard_normal((N_VARS, N_OBS)))[rng.permutation(N_VARS)]
    found.flags.writeable = False
    return found


def some_zeros(X):
    """Return the genes as a sparse matrix, of two in three what lies below zero left out."""
    return sp.csr_matrix(np.where(np.arange(N_VARS)[:, None] % 3 > 0, np.maximum(X, 0.0), X).astype(np.float32))


def steps(task):
    screened = stages.screen(task)
    relaxed = stages.relax(task, screened)
    return screened, relaxed, stages.order(task, screened, relaxed)


def arrays_equal(one, two):
    found, expected = one.to_arrays(), two.to_arrays()
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_every_stage_and_every_config_has_a_seed_of_its_own():
    names = ("fit", "order", "resample")
    assert len({seed_of(Config(seed=seed), name) for seed in range(20) for name in names}) == 60


def test_options_become_objects_of_the_core():
    options = {"score": {"noise": "equal", "gamma": 0.5}, "fit": {"relax": False}, "screen": {"partial": 3}}
    settings = engine_settings(Config.from_mapping(options))
    assert (settings.score.equal_noise, settings.score.gamma) == (True, 0.5)
    assert settings.relax is None
    assert settings.screen.partial == 3
    assert engine_settings(Config()).relax.schedule.mu == Config().fit.mu


@pytest.mark.parametrize("parts", [2, 5, 8])
def test_parts_of_the_resamples_are_the_whole(bench, X, parts):
    whole = stages.resample(bench.task(X, CONFIG), WHOLE)
    cut = [stages.resample(bench.task(X, CONFIG), Part(part, parts)) for part in range(parts)]
    assert whole.numbers == sorted(m for one in cut for m in one.numbers) == list(range(5))
    arrays_equal(Resampled.joined([whole]), Resampled.joined(cut))


def test_threads_do_not_change_a_bit(bench, X):
    one, two = (stages.resample(bench.task(X, CONFIG, threads=threads), WHOLE) for threads in (1, 2))
    arrays_equal(one, two)


def test_a_record_comes_back_from_its_arrays(bench, X):
    task = bench.task(X, CONFIG)
    for record in (*steps(task), stages.resample(task, WHOLE)):
        again = type(record)(**record.to_arrays(), facts=record.facts)
        arrays_equal(record, again)
        assert again.facts == record.facts


def test_a_resample_sees_its_own_observations_only(bench, X):
    changed = X.copy()
    member = stages.subsamples_of(bench.task(X, CONFIG))[0]
    changed[:, np.setdiff1d(np.arange(N_OBS), member.rows)] += 100.0
    one, two = (
        stages.learn_subsample(bench.task(x).data, CONFIG, member, backend=ThreadBackend()) for x in (X, changed)
    )
    for name in ("source", "target", "loss"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("factors", [0, 2])
def test_half_samples_learn_from_shared_sums_what_they_learn_by_themselves(bench, X, factors, is_sparse, monkeypatch):
    if is_sparse:  # and too large to be held
        X = some_zeros(X)
        monkeypatch.setattr(standardized, "HELD_BYTES", 0)
        monkeypatch.setattr(halves, "sum_halves", lambda *_, **__: pytest.fail("genes were made dense"))
    task = bench.task(bench.store(X), CONFIG)
    scores = np.random.default_rng(5).standard_normal((factors, N_OBS))
    task = replace(task, data=task.data.without(Deconfounding(scores)))
    members = stages.subsamples_of(task)
    with halves.shared(task, members) as sums:
        assert sums is not None
        for member in members:
            given = {"backend": ThreadBackend()}
            one, two = (stages.learn_subsample(task.data, CONFIG, member, sums=at, **given) for at in (None, sums))
            np.testing.assert_array_equal(one.source, two.source)
            np.testing.assert_array_equal(one.target, two.target)
            np.testing.assert_allclose(one.loss, two.loss, rtol=1e-9)
    assert not sums.exists()


@pytest.mark.parametrize("fraction", [0.5, 0.6])  # of the latter there are no shared sums
def test_where_all_show_which_pairs_are_near_half_samples_choose_among_them(bench, X, fraction, monkeypatch):
    monkeypatch.setattr(halves, "is_worth_it", lambda *_, **__: True)
    monkeypatch.setattr(near, "WIDTH", 2)
    config = CONFIG.with_options({"resample.fraction": fraction})
    one, two = (bench.task(X, config, threads=threads) for threads in (1, 2))
    with halves.shared(one, stages.subsamples_of(one)[:2]) as folder:
        listed = halves.near(folder)
    whole = stages.resample(one, WHOLE)
    arrays_equal(whole, stages.resample(two, WHOLE))
    arrays_equal(whole, Resampled.joined([stages.resample(one, Part(part, 2)) for part in range(2)]))
    assert len(whole.source)
    ends = (whole.source, whole.target)
    assert ((listed.find(*ends) >= 0) | (listed.find(*ends[::-1]) >= 0)).all()


def test_factors_are_taken_out_of_the_correlations_of_sparse_genes_and_out_of_no_panel(bench, X, monkeypatch):
    task = bench.task(bench.store(some_zeros(X)), CONFIG)
    task = replace(task, data=task.data.without(Deconfounding(np.random.default_rng(6).standard_normal((2, N_OBS)))))
    held = replace(task).moments
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    monkeypatch.setattr(backend, "correlate", lambda *_: pytest.fail("genes were made dense"))
    formed = replace(task).moments
    np.testing.assert_allclose(formed.R, held.R, atol=1e-12)
    np.testing.assert_allclose(formed.scale, held.scale, rtol=1e-12)


def test_a_network_of_lines_never_has_all_genes_of_all_observations_in_memory(bench, X, monkeypatch):
    config = CONFIG.with_options({"confounding": "none"})
    held = [*steps(bench.task(X, config)), stages.resample(bench.task(X, config), WHOLE)]
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    task = bench.task(X, config)
    monkeypatch.setattr(Standardized, "whole", property(lambda _: pytest.fail("the whole was asked for")))
    formed = [*steps(task), stages.resample(task, WHOLE)]
    for one, other in zip(held, formed, strict=True):
        arrays_equal(one, other)
    assert assemble(task, formed[2], formed[-1]).n_edges == len(held[2].source)


def test_degrees_of_freedom_taken_out_count_against_the_score(bench, X):
    whole, less = (steps(bench.task(bench.store(X, n_effective=n)))[2] for n in (N_OBS, N_OBS / 2))
    assert len(less.source) < len(whole.source)
    assert bench.task(bench.store(X, n_effective=90)).moments.n_effective == 90


def test_the_network_has_the_edges_of_the_order_and_the_confidence_of_the_resamples(bench, X):
    task = bench.task(X, CONFIG)
    _, _, ordered = steps(task)
    resampled = stages.resample(task, WHOLE)
    network, genes = assemble(task, ordered, resampled), np.array(task.data.store.genes)
    assert set(zip(network.edges["source"], network.edges["target"], strict=True)) == set(
        zip(genes[ordered.source], genes[ordered.target], strict=True)
    )
    votes = list(zip(genes[resampled.source], genes[resampled.target], strict=True))
    for edge in network.edges.itertuples():
        forward, backward = (votes.count(pair) for pair in ((edge.source, edge.target), (edge.target, edge.source)))
        assert edge.stability == pytest.approx((forward + backward) / 5)
        assert edge.direction == pytest.approx(forward / max(forward + backward, 1))
    nodes = network.nodes.set_index("gene").loc[genes]
    np.testing.assert_allclose(nodes["r2"], 1 - ordered.residual, atol=1e-6)
    np.testing.assert_allclose(nodes["noise_scale"], np.sqrt(ordered.residual) * X.std(axis=1), rtol=1e-4)


def test_the_more_an_edge_and_its_direction_carry_the_higher_its_score_without_resamples(bench, X):
    task = bench.task(X, CONFIG)
    _, _, ordered = steps(task)
    edges, genes = assemble(task, ordered, NO_RESAMPLES).edges, np.array(task.data.store.genes)
    scores = edges.set_index(["source", "target"]).eval("score / (1 - confounded)")  # what no common cause takes
    pairs = list(zip(genes[ordered.source], genes[ordered.target], strict=True))
    gain = ordered.loss - task.data.edge_costs(CONFIG)[ordered.target]
    joined, _ = joined_probability(gain, Support(np.full(len(gain), np.nan), np.full(len(gain), np.nan), 0))
    by_both = np.argsort(-joined * ordered.arrow, kind="stable")
    np.testing.assert_allclose(scores.loc[pairs].iloc[by_both], (joined * ordered.arrow)[by_both])


def test_every_candidate_is_ranked_once(bench, X):
    task = bench.task(X, CONFIG)
    _, _, ordered = steps(task)
    for resampled in (NO_RESAMPLES, stages.resample(task, WHOLE)):
        ranking = assemble(task, ordered, resampled).ranking
        pairs = list(zip(ranking["source"], ranking["target"], strict=True))
        assert len(set(pairs)) == len(pairs) >= len(ordered.parent)


def test_a_stage_tells_what_it_cost():
    result, cost = measured(lambda: "done")
    assert result == "done"
    assert cost["seconds"] >= 0
    assert cost["peak_memory_mb"] > 1


def test_a_relaxation_stopped_at_its_limit_warns_once(bench, X):
    _, relaxed, _ = steps(bench.task(X, CONFIG.with_options({"fit.max_steps": 1})))
    assert relaxed.facts["status"] == "max_steps"
    assert len([text for text in relaxed.facts["warnings"] if "fit.max_steps" in text]) == 1


def test_a_part_of_a_data_set_is_the_data_set_of_the_part(bench, X):
    whole = bench.task(bench.store(X, n_effective=100)).data
    genes, rows = np.array([1, 4, 7, 8]), np.arange(0, N_OBS, 3)
    part = whole.subset(genes=genes, rows=rows)
    alone = bench.task(bench.store(X[np.ix_(genes, rows)], n_effective=len(rows) - 20)).data
    assert part.store.genes == [f"g{j}" for j in genes]
    assert (part.n_genes, part.n_obs, part.n_effective) == (4, 40, 20)
    for data in (part, part.as_whole()):
        np.testing.assert_array_equal(data.store.block(0, 4), alone.store.block(0, 4))
        np.testing.assert_array_equal(data.store.rows([2, 0]), alone.store.rows([2, 0]))
        one, two = data.scaled(1), alone.scaled(1)
        np.testing.assert_allclose(one.Z, two.Z, atol=1e-12)
        assert one.n_effective == two.n_effective
    assert part.store.digest == part.as_whole().store.digest
    assert (part.constraints.n_sources, part.as_whole().constraints.n_sources) == (N_VARS, 4)


def test_the_peak_of_a_process_is_its_own_and_not_that_of_the_one_that_started_it():
    code = "from acyclome.machine import peak_memory_mb; print(peak_memory_mb())"
    ballast = np.ones(50_000_000)  # 0.4 GB, far beyond what the import takes
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert float(answer.stdout) < peak_memory_mb() - ballast.nbytes / 2**21
