"""The ranking of pairs: what is listed, and how votes and associations are weighed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.confidence import ranking
from acyclome.confidence.ranking import Associations, rank_pairs
from acyclome.confidence.resample import count_votes
from acyclome.core.data.candidates import Candidates

D = 5
GENES = [f"G{k}" for k in range(D)]
CANDIDATES = Candidates(np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1], np.int32))
CHAIN = count_votes(np.array([0, 1]), np.array([1, 2]), np.array([9.0, 8.0]), n_genes=D, total=1)
NOTHING = count_votes(np.empty(0, int), np.empty(0, int), np.empty(0), n_genes=D, total=1)


def votes_for(*pairs, total=4):
    source, target = np.array(pairs, int).reshape(-1, 2).T
    return count_votes(source, target, np.ones(len(source)), n_genes=D, total=total)


def alike(strength=1.0):
    return Associations(np.where(np.eye(D, dtype=bool), 0.0, strength), np.arange(D))


def ranked(final, votes, associations):
    source, target, score = rank_pairs(CANDIDATES, final, votes, associations=associations)
    return dict(zip(zip(source.tolist(), target.tolist(), strict=True), score.tolist(), strict=True))


def test_all_pairs_that_may_be_edges_are_listed_once():
    strength = alike().strength
    strength[4, 0] = 0.0  # forbidden
    found = ranked(CHAIN, votes_for((0, 1)), Associations(strength, np.arange(D)))
    assert set(found) == {(i, j) for i in range(D) for j in range(D) if i != j} - {(0, 4)}


def test_with_associations_alike_the_votes_decide():
    found = ranked(CHAIN, votes_for((0, 1), (0, 1), (0, 1), (1, 2), (0, 2), (0, 2)), alike())
    assert sorted(found, key=found.get)[::-1][:2] == [(0, 1), (0, 2)]
    assert found[1, 2] > found[3, 4] == pytest.approx(found[4, 3])


def test_without_any_vote_the_associations_decide():
    strength = np.abs(np.random.default_rng(7).standard_normal((D, D))) + np.diag(np.full(D, np.inf))
    strength[np.isinf(strength)] = 0.0
    found = ranked(NOTHING, votes_for(), Associations(strength, np.arange(D)))
    for i in range(D):  # a cause is lifted as a whole
        of_cause = [found[i, j] for j in range(D) if j != i]
        assert np.argsort(of_cause).tolist() == np.argsort(np.delete(strength[:, i], i)).tolist()


def test_the_unit_of_associations_does_not_matter():
    votes = votes_for((0, 1), (2, 3))
    one, two = (ranked(CHAIN, votes, alike(unit)) for unit in (1.0, 1e6))
    assert one == pytest.approx(two)


def test_a_cause_of_many_is_lifted():
    found = ranked(NOTHING, votes_for((0, 1), (0, 2), (0, 3), (4, 3)), alike())
    assert found[0, 3] > found[4, 3]


def test_the_best_are_listed_where_there_are_more_pairs_than_room(monkeypatch):
    votes, all_of = votes_for((0, 1), (2, 3)), alike()
    every = ranked(CHAIN, votes, all_of)
    monkeypatch.setattr(ranking, "LISTED", 3)
    some = ranked(CHAIN, votes, all_of)
    least = sorted(every.values())[-3]
    assert some == {pair: score for pair, score in every.items() if score >= least}


@pytest.fixture(scope="module")
def X():
    X = np.random.default_rng(12).standard_normal((80, D))
    X[:, 1] += X[:, 0]
    X[:, 2] += X[:, 1]
    return X


def test_a_forbidden_pair_is_never_listed(X):
    rules = pd.DataFrame([("G0", "G1", "forbidden")], columns=["source", "target", "kind"])
    listed = ac.learn(X, GENES, knowledge=rules, resamples=4, threads=1).ranking
    pairs = set(zip(listed["source"], listed["target"], strict=True))
    assert len(listed) == len(pairs) == D * (D - 1) - 1
    assert ("G0", "G1") not in pairs


def test_of_more_pairs_than_can_be_held_the_candidates_are_ranked(X, monkeypatch):
    monkeypatch.setattr(ranking, "MAX_PAIRS", D)
    net = ac.learn(X, GENES, resamples=4, threads=1)
    assert set(net.edges["source"] + net.edges["target"]) <= set(net.ranking["source"] + net.ranking["target"])
    assert net.ranking["rank_score"].between(0, 1.001).all()


def test_associations_weigh_three_times_what_votes_weigh():
    strength = np.zeros((D, D))
    for i in range(D):  # every cause has one vote and one association, so that none is lifted above another
        strength[(i + 2) % D, i] = 1.0
        strength[(i + 1) % D, i] = 1e-9
    votes = votes_for(*((i, (i + 1) % D) for i in range(D)), total=1)
    found = ranked(NOTHING, votes, Associations(strength, np.arange(D)))
    assert found[0, 2] == pytest.approx(3.0 * found[0, 1], rel=1e-6)
