"""Stages on data in memory: seeds, parts of resamples, and what the network is put together from."""

import subprocess
import sys

import numpy as np
import pytest

from acyclome.confidence.calibration import joined_probability
from acyclome.confidence.ranking import all_votes
from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.io.store import MemoryStore
from acyclome.machine import peak_memory_mb
from acyclome.pipeline import stages
from acyclome.pipeline.dataset import GeneData, Stage
from acyclome.pipeline.engine_settings import engine_settings

N_OBS, N_VARS = 120, 15
CONFIG = Config.from_mapping({"resample": {"resamples": 5}})


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(121)
    W = np.triu((rng.random((N_VARS, N_VARS)) < 0.2) * rng.uniform(0.5, 1, (N_VARS, N_VARS)), 1)
    found = np.linalg.solve((np.eye(N_VARS) - W).T, rng.standard_normal((N_VARS, N_OBS)))[rng.permutation(N_VARS)]
    found.flags.writeable = False
    return found


def data_of(X, threads=1, causes=None, **facts):
    genes = [f"g{j}" for j in range(len(X))]
    causes = np.ones(len(X), bool) if causes is None else causes
    return GeneData.untouched(
        MemoryStore(X, genes, facts=facts), Constraints.of_sources(causes), ThreadBackend(threads)
    )


def road(data, config=CONFIG):
    screened = stages.screen(data, config)
    fitted = stages.fit(data, config, screened)
    return screened, fitted, stages.order(data, config, screened, fitted)


def test_every_stage_and_every_config_has_a_seed_of_its_own():
    names = ("fit", "order", "resample")
    assert len({stages.seed_of(Config(seed=seed), name) for seed in range(20) for name in names}) == 60


def test_options_become_objects_of_the_core():
    options = {"score": {"noise": "equal", "gamma": 0.5}, "fit": {"relax": False}, "screen": {"partial": 3}}
    settings = engine_settings(Config.from_mapping(options))
    assert (settings.score.equal_noise, settings.score.gamma) == (True, 0.5)
    assert settings.relax is None
    assert settings.screen.partial == 3
    assert engine_settings(Config()).relax.schedule.mu == Config().fit.mu


@pytest.mark.parametrize("parts", [2, 5, 8])
def test_parts_of_the_resamples_are_the_whole(X, parts):
    data = data_of(X)
    whole = stages.resample(data, CONFIG, 0, 1)
    cut = [stages.resample(data_of(X), CONFIG, part, parts) for part in range(parts)]
    assert sorted(m for one in cut for m in one.facts["members"]) == whole.facts["members"] == list(range(5))
    one, two = (all_votes(votes, N_VARS) for votes in ([whole], cut))
    for name in ("count", "gain"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.pairs.parent, two.pairs.parent)


def test_threads_do_not_change_a_bit(X):
    one, two = (stages.resample(data_of(X, threads), CONFIG, 0, 1).arrays for threads in (1, 2))
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_resample_sees_its_own_observations_only(X):
    changed = X.copy()
    members = stages.plan_resamples(N_OBS, 5, 0.5, stages.seed_of(CONFIG, "resample"))
    changed[:, np.setdiff1d(np.arange(N_OBS), members[0].rows)] += 100.0
    one, two = (stages.learn_member(data_of(matrix), CONFIG, members[0], threads=1) for matrix in (X, changed))
    for name in ("source", "target", "loss"):
        np.testing.assert_array_equal(one[name], two[name])


def test_degrees_of_freedom_taken_out_count_against_the_score(X):
    whole, less = (road(data_of(X, n_effective=n))[2] for n in (N_OBS, N_OBS / 2))
    assert len(less.arrays["source"]) < len(whole.arrays["source"])
    assert data_of(X, n_effective=90).moments.n_effective == 90


def test_the_network_has_the_edges_of_the_order_and_the_confidence_of_the_resamples(X):
    data = data_of(X)
    _, _, ordered = road(data)
    resampled = stages.resample(data, CONFIG, 0, 1)
    network = stages.network(data, CONFIG, ordered, [resampled])
    a, genes = ordered.arrays, np.array(data.store.genes)
    assert set(zip(network.edges["source"], network.edges["target"], strict=True)) == set(
        zip(genes[a["source"]], genes[a["target"]], strict=True)
    )
    votes = list(zip(genes[resampled.arrays["source"]], genes[resampled.arrays["target"]], strict=True))
    for edge in network.edges.itertuples():
        forward, backward = (votes.count(pair) for pair in ((edge.source, edge.target), (edge.target, edge.source)))
        assert edge.stability == pytest.approx((forward + backward) / 5)
        assert edge.direction == pytest.approx(forward / max(forward + backward, 1))
    nodes = network.nodes.set_index("gene").loc[genes]
    np.testing.assert_allclose(nodes["r2"], 1 - a["rest"], atol=1e-6)
    np.testing.assert_allclose(nodes["noise_scale"], np.sqrt(a["rest"]) * X.std(axis=1), rtol=1e-4)


def test_the_more_an_edge_and_its_direction_carry_the_higher_its_score_without_resamples(X):
    data = data_of(X)
    _, _, ordered = road(data)
    edges = stages.network(data, CONFIG, ordered, []).edges
    a, genes = ordered.arrays, np.array(data.store.genes)
    scores = edges.set_index(["source", "target"])["score"]
    joined = joined_probability(a["loss"] - data.prices(CONFIG)[a["target"]])
    by_both = np.argsort(-joined * a["arrow"], kind="stable")
    assert (
        scores.loc[list(zip(genes[a["source"]], genes[a["target"]], strict=True))].iloc[by_both].is_monotonic_decreasing
    )


def test_every_candidate_is_ranked_once(X):
    data = data_of(X)
    _, _, ordered = road(data)
    for resampled in ([], [stages.resample(data, CONFIG, 0, 1)]):
        ranking = stages.network(data, CONFIG, ordered, resampled).ranking
        pairs = list(zip(ranking["source"], ranking["target"], strict=True))
        assert len(set(pairs)) == len(pairs) >= len(ordered.arrays["parent"])


def test_a_stage_tells_what_it_cost_and_keeps_its_facts():
    stage = stages.measured(lambda: Stage({"a": np.zeros(1)}, {"fact": 1}))
    assert stage.facts["fact"] == 1
    assert stage.facts["cost"]["seconds"] >= 0
    assert stage.facts["cost"]["peak_memory_mb"] > 1


def test_a_relaxation_stopped_at_its_limit_warns_once(X):
    data, config = data_of(X), CONFIG.with_options({"fit.max_steps": 1})
    _, fitted, _ = road(data, config)
    assert fitted.facts["status"] == "max_steps"
    assert len([text for text in fitted.facts["warnings"] if "fit.max_steps" in text]) == 1


def test_the_peak_of_a_process_is_its_own_and_not_that_of_the_one_that_started_it():
    code = "from acyclome.machine import peak_memory_mb; print(peak_memory_mb())"
    ballast = np.ones(150_000_000)  # 1.2 GB, far beyond what the import takes
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert float(answer.stdout) < peak_memory_mb() - ballast.nbytes / 2**21
