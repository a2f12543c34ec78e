"""Edges between targets of a cause that is seen with an error: which of them such an error explains."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome import learn
from acyclome.config import Config
from acyclome.core.data import standardized
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.standardized import Standardized
from acyclome.core.hill_climbing import noisy_causes
from acyclome.core.hill_climbing.noisy_causes import explained_by_errors
from acyclome.pipeline import assembly
from acyclome.pipeline.engine_settings import engine_settings

N = 1000
CAUSE, ONE, OTHER = 0, 1, 2
TRIANGLE = np.array([CAUSE, CAUSE, ONE]), np.array([ONE, OTHER, OTHER])


def targets(error, direct=0.0, seed=1):
    """Two genes that saturate in the activity of a third, whose expression has an error of this variance."""
    rng = np.random.default_rng([91, seed])
    activity = rng.standard_normal(N)
    one = np.tanh(1.5 * activity) + 0.35 * rng.standard_normal(N)
    other = np.tanh(activity) + direct * one + 0.35 * rng.standard_normal(N)
    return np.column_stack([activity + np.sqrt(error) * rng.standard_normal(N), one, other])


def explained(lab, X, edges=TRIANGLE, **changes):
    m = replace(lab.moments_of(X), **changes)
    return explained_by_errors(m, *edges, threads=1).tolist()


def test_a_small_error_of_the_cause_explains_the_edge_between_its_targets_and_no_other(lab):
    for seed in range(5):
        assert explained(lab, targets(0.05, seed=seed)) == [False, False, True]


def test_an_edge_that_says_more_stays(lab):
    for seed in range(5):
        assert explained(lab, targets(0.0, direct=0.6, seed=seed))[2] is False
        assert explained(lab, targets(0.05, direct=0.6, seed=seed))[2] is False


def test_an_edge_of_another_shape_stays_however_much_errors_of_steep_curves_would_explain(lab):
    for seed in range(5):
        rng = np.random.default_rng([94, seed])
        x = rng.standard_normal(N)
        e = 0.5 * rng.standard_normal((2, N))
        one = 2.0 * np.sin(x) + e[0]
        X = np.column_stack([x, one, 2.0 * np.sin(x + 0.5) + 0.8 * e[0] ** 2 + e[1]])
        assert explained(lab, X) == [False, False, False]
        joined = np.column_stack([x + 0.15 * rng.standard_normal(N), one, 2.0 * np.sin(x + 0.5) + e[1]])
        assert explained(lab, joined) == [False, False, True]


def test_of_many_observations_as_many_as_are_enough_are_seen_with_what_was_done_in_them(lab, monkeypatch):
    X = targets(0.05)
    acted = np.arange(0, N, 7)
    done = Interventions.from_pairs(np.full(len(acted), OTHER), acted, n_genes=3, n_obs=N)
    data = lab.moments_of(X, interventions=done)
    seen, there = noisy_causes._seen(data.standardized, done)
    assert seen.shape == (3, N)
    assert there is done
    monkeypatch.setattr(noisy_causes, "ENOUGH", N // 2)
    seen, there = noisy_causes._seen(data.standardized, done)
    np.testing.assert_array_equal(seen, data.Z[:, ::2])
    np.testing.assert_array_equal(2 * there.of(OTHER), acted[acted % 2 == 0])
    assert explained(lab, X) == [False, False, True]


def test_an_edge_whose_ends_have_nothing_left_in_common_is_explained(lab):
    """As lines leave edges between targets that saturate in what is seen without an error."""
    assert sum(explained(lab, targets(0.0, seed=seed))[2] for seed in range(10)) >= 8


def test_without_a_common_neighbour_nothing_is_tested(lab):
    edges = np.array([CAUSE, ONE]), np.array([ONE, OTHER])
    assert explained(lab, targets(0.05), edges) == [False, False]


def test_no_error_answers_to_what_was_done_to_the_source(lab):
    rows = np.arange(40)
    acted = Interventions.from_pairs(np.full(40, ONE), rows, n_genes=3, n_obs=N)
    assert explained(lab, targets(0.05), interventions=acted) == [False, False, False]
    of_other = Interventions.from_pairs(np.full(40, OTHER), rows, n_genes=3, n_obs=N)
    assert explained(lab, targets(0.05), interventions=of_other) == [False, False, True]


def test_it_is_the_same_whichever_way_edges_point_and_for_any_number_of_threads(lab):
    X = targets(0.05)
    assert explained(lab, X, TRIANGLE[::-1]) == explained(lab, X)
    m = lab.moments_of(X)
    assert explained_by_errors(m, *TRIANGLE, threads=3).tolist() == explained(lab, X)


def hub(seed=2, d=8, error=0.05):
    """A regulator with an error, and genes that saturate in what it does, each in its own way."""
    rng = np.random.default_rng([92, seed])
    activity = rng.standard_normal(N)
    shapes = np.linspace([0.8, -1.0], [2.0, 1.0], d - 1)
    genes = [np.tanh(slope * activity + shift) for slope, shift in shapes]
    noise = 0.35 * rng.standard_normal((N, d - 1))
    return np.column_stack([activity + np.sqrt(error) * rng.standard_normal(N), np.column_stack(genes) + noise])


@pytest.mark.parametrize("model", ["linear", "lingam", "dag_gnn", "spline"])
def test_a_search_leaves_such_edges_out_and_says_how_many(lab, model):
    X, found = hub(), {}
    for activity in ("none", "auto"):
        settings = engine_settings(Config.from_mapping({"model": model, "activity": activity}))
        found[activity] = lab.learn_dag(lab.problem_of(X), settings, 3)[0]
    none, auto = found["none"], found["auto"]
    assert none.pruned == 0
    assert auto.pruned >= none.n_edges - auto.n_edges > 0
    between = [int(np.sum((dag.source > 0) & (dag.target > 0))) for dag in (none, auto)]
    assert between[1] <= between[0] / 2
    joined = {frozenset(pair) for pair in zip(none.source.tolist(), none.target.tolist(), strict=True)}
    assert joined >= {frozenset(pair) for pair in zip(auto.source.tolist(), auto.target.tolist(), strict=True)}


def test_where_few_edges_would_go_none_does(lab):
    rng = np.random.default_rng([93, 1])
    X = np.column_stack([targets(0.05), rng.standard_normal((N, 6))])
    source, target = TRIANGLE
    apart = np.arange(3, 8), np.arange(4, 9)
    edges = np.concatenate([source, apart[0]]), np.concatenate([target, apart[1]])
    assert explained(lab, X, edges) == [False] * 8
    assert explained(lab, X, (edges[0][:5], edges[1][:5])) == [False, False, True, False, False]


def test_a_required_edge_stays_whatever_explains_it(lab):
    settings = engine_settings(Config.from_mapping({"model": "linear"}))
    X = hub()
    free = lab.learn_dag(lab.problem_of(X), settings, 3)[0]
    bound = replace(Constraints.none(X.shape[1]), required=np.array([5 * X.shape[1] + 3]))
    found = lab.learn_dag(lab.problem_of(X, bound), settings, 3)[0]
    assert free.pruned > 0
    assert found.pruned > 0
    assert (3, 5) in zip(found.source.tolist(), found.target.tolist(), strict=True)


def test_scores_and_mixed_observations_show_no_error_of_a_cause():
    config = Config.from_mapping({"model": "linear"})
    assert engine_settings(config).prunes
    assert not engine_settings(config, shows_errors=False).prunes


@pytest.mark.parametrize("activity", ["auto", "none"])
def test_where_edges_were_left_out_the_ranking_has_the_data_as_they_are_and_scores_know_what_is_in_common(
    monkeypatch, activity
):
    whole, seen = assembly.associations, []
    monkeypatch.setattr(
        assembly, "associations", lambda *given, left, seed: seen.append(left) or whole(*given, left=left, seed=seed)
    )
    network = learn(hub(), n_resamples=0, random_state=1, threads=1, config={"activity": activity})
    assert (seen[0] is None) == (network.facts["order"]["pruned"] > 0) == (activity == "auto")
    assert network.edges["confounded"].notna().all()


def test_some_observations_of_data_that_are_not_held_tell_the_same(lab, monkeypatch):
    m = lab.moments_of(targets(0.05))
    asked = Standardized(lambda a, b: m.Z[a:b], m.Z.shape, m.Z.dtype)
    monkeypatch.setattr(noisy_causes, "SEEN", N // 2)
    np.testing.assert_array_equal(noisy_causes._seen(asked, m.interventions)[0], m.Z)
    asked = replace(asked, _held=[])
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    assert noisy_causes._seen(asked, m.interventions)[0].shape == (3, N // 2)
    assert explained_by_errors(replace(m, standardized=asked), *TRIANGLE, threads=1).tolist() == [False, False, True]
    assert not asked.is_held


def test_tests_end_where_those_left_cannot_make_up_a_fifth_of_the_edges_and_the_answer_is_the_same(lab, monkeypatch):
    m = lab.moments_of(hub(d=30))
    edges, asked = np.triu_indices(30, 1), []
    whole = noisy_causes._Graph.is_explained

    def explained_of(share):
        tested = lambda graph, e: asked.append(e) or (e % 100 < share and whole(graph, e))  # noqa: E731
        monkeypatch.setattr(noisy_causes._Graph, "is_explained", tested)
        asked.clear()
        return explained_by_errors(m, *edges, threads=2)

    assert explained_of(100).sum() >= len(edges[0]) / 5
    every = sorted(asked)
    assert explained_of(40).sum() >= len(edges[0]) / 5
    assert sorted(asked) == every
    assert not explained_of(5).any()
    assert sorted(asked) == every[: len(asked)]
    assert len(asked) < len(every)


@pytest.mark.parametrize(("every", "tests", "left_out"), [(50, 17, 0), (5, 100, 20), (2, 100, 50)])
def test_of_many_edges_a_few_are_tested_first_and_all_only_where_there_may_be_a_fifth(
    monkeypatch, lab, every, tests, left_out
):
    source, target = np.zeros(100, int), np.arange(1, 101)
    seen = []

    def counted(_, e):
        seen.append(e)
        return e % every == 0

    monkeypatch.setattr(noisy_causes, "common_neighbors", lambda *_: np.ones(100))
    monkeypatch.setattr(noisy_causes._Graph, "causes", lambda *_: np.ones(1))
    monkeypatch.setattr(noisy_causes._Graph, "is_explained", counted)
    monkeypatch.setattr(noisy_causes, "FIRST", 15)
    data = lab.moments_of(np.random.default_rng(3).normal(size=(50, 101)))
    found = explained_by_errors(data, source, target, threads=1)
    assert len(seen) == len(set(seen)) == tests
    assert found.sum() == left_out
