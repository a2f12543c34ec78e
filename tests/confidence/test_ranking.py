"""The ranking of pairs: what is listed, and how votes and associations are weighed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.confidence import ranking
from acyclome.confidence.ranking import rank_pairs
from acyclome.confidence.resample import count_votes
from acyclome.core.data.candidates import gene_blocks
from acyclome.core.screening import association

D = 5
GENES = [f"G{k}" for k in range(D)]
CHAIN = count_votes(np.array([0, 1]), np.array([1, 2]), np.array([9.0, 8.0]), n_genes=D, total=1)
NOTHING = count_votes(np.empty(0, int), np.empty(0, int), np.empty(0), n_genes=D, total=1)


def votes_for(*pairs, total=4):
    source, target = np.array(pairs, int).reshape(-1, 2).T
    return count_votes(source, target, np.ones(len(source)), n_genes=D, total=total)


@dataclass
class Held:
    """Strengths that are given, ``(d, d)``, in blocks of ``size`` targets."""

    strength: np.ndarray
    confounding: float = 0.0
    size: int = 2
    threads: int = 1
    causes: np.ndarray = field(default_factory=lambda: np.arange(D))

    @property
    def counted(self):
        return np.arange(len(self.strength))

    def rows(self, targets):
        return self.strength[targets]

    def blocks(self, targets):
        return gene_blocks(len(targets), self.size)

    def total(self, work, targets):
        parts = [work(targets[a:b]) for a, b in self.blocks(targets)]
        return [np.sum(part, axis=0) for part in zip(*parts, strict=True)]


def alike(strength=1.0):
    return Held(np.where(np.eye(D, dtype=bool), 0.0, strength))


def ranked(final, votes, associations):
    source, target, score = rank_pairs(final, votes, associations)
    return dict(zip(zip(source.tolist(), target.tolist(), strict=True), score.tolist(), strict=True))


def test_all_pairs_that_may_be_edges_are_listed_once():
    strength = alike().strength
    strength[4, 0] = 0.0  # forbidden
    found = ranked(CHAIN, votes_for((0, 1)), Held(strength))
    assert set(found) == {(i, j) for i in range(D) for j in range(D) if i != j} - {(0, 4)}


def test_with_associations_alike_the_votes_decide():
    found = ranked(CHAIN, votes_for((0, 1), (0, 1), (0, 1), (1, 2), (0, 2), (0, 2)), alike())
    assert sorted(found, key=found.get)[::-1][:2] == [(0, 1), (0, 2)]
    assert found[1, 2] > found[3, 4] == pytest.approx(found[4, 3])


def test_without_any_vote_the_associations_decide():
    strength = np.abs(np.random.default_rng(7).standard_normal((D, D))) + np.diag(np.full(D, np.inf))
    strength[np.isinf(strength)] = 0.0
    found = ranked(NOTHING, votes_for(), Held(strength))
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


@pytest.mark.parametrize("size", [1, 2, D])
def test_the_best_are_listed_where_there_are_more_pairs_than_room(monkeypatch, size):
    strength = np.random.default_rng(8).random((D, D)) * ~np.eye(D, dtype=bool)
    votes = votes_for((0, 1), (2, 3))
    every = ranked(CHAIN, votes, Held(strength))
    monkeypatch.setattr(ranking, "LISTED", 3)
    monkeypatch.setattr(ranking, "TOGETHER", 1)
    some = ranked(CHAIN, votes, Held(strength, size=size))
    least = sorted(every.values())[-3]
    assert some == pytest.approx({pair: score for pair, score in every.items() if score >= least})


def test_no_more_are_listed_than_there_is_room_for_where_all_are_alike(monkeypatch):
    monkeypatch.setattr(ranking, "LISTED", 3)
    assert len(ranked(NOTHING, votes_for(), alike())) == 3


def test_the_sum_is_that_of_votes_and_associations_with_the_lift_of_the_causes():
    rng = np.random.default_rng(9)
    strength = rng.random((D, D)) * ~np.eye(D, dtype=bool)
    votes, c = votes_for((0, 1), (0, 1), (2, 3), (4, 3)), 0.3
    v = np.zeros((D, D))
    for (i, j), count in {(0, 1): 3, (1, 2): 1, (2, 3): 1, (4, 3): 1}.items():  # those of the chain counted too
        v[j, i] = count / 5
    S = (1 - c) * v**2 + strength * (v**2).sum() / strength.sum()
    S *= np.sqrt(S.std(axis=0) / S.std(axis=0).mean() + ranking.FLOOR)
    found = ranked(CHAIN, votes, Held(strength, c))
    assert found == pytest.approx({(i, j): S[j, i] for i in range(D) for j in range(D) if i != j})


def test_the_more_is_left_in_common_the_less_votes_count():
    votes, shares = votes_for((0, 1), (0, 1)), []
    for c in (0.0, 0.5, 1.0):
        found = ranked(NOTHING, votes, replace(alike(), confounding=c))
        shares.append(found[0, 1] / found[0, 2])
    assert shares[0] > shares[1] > shares[2] == pytest.approx(1.0)


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


def columns(net):
    return net.ranking.set_index(["source", "target"])["rank_score"]


@pytest.mark.parametrize("resamples", [0, 4])
@pytest.mark.parametrize("boosted", [True, False])
def test_all_pairs_are_ranked_at_any_size_whatever_the_order_of_genes_and_the_threads(
    X, monkeypatch, resamples, boosted
):
    if not boosted:
        monkeypatch.setattr(association, "BOOSTED_PAIRS", 0)
        monkeypatch.setattr(association, "BLOCK_PAIRS", D)
    one = ac.learn(X, GENES, resamples=resamples, threads=1)
    found = columns(one)
    assert set(found.index) == {(a, b) for a in GENES for b in GENES if a != b}
    pd.testing.assert_frame_equal(ac.learn(X, GENES, resamples=resamples, threads=2).ranking, one.ranking)
    if not boosted and not resamples:  # by chance are the order in boosted fits, and where a resample's search begins
        other = columns(ac.learn(X[:, ::-1], GENES[::-1], resamples=resamples, threads=1))
        pd.testing.assert_series_equal(other.sort_index(), found.sort_index(), rtol=1e-5)


@pytest.mark.parametrize("boosted", [True, False])
def test_no_pair_that_rules_or_regulators_exclude_is_ranked(X, monkeypatch, boosted):
    if not boosted:
        monkeypatch.setattr(association, "BOOSTED_PAIRS", 0)
    rules = pd.DataFrame([("G0", "G1", "forbidden"), ("G1", "G2", "required")], columns=["source", "target", "kind"])
    net = ac.learn(X, GENES, knowledge=rules, regulators=["G0", "G1", "G2"], resamples=0, threads=1)
    expected = {(a, b) for a in GENES[:3] for b in GENES if a != b} - {("G0", "G1"), ("G2", "G1")}
    assert set(columns(net).index) == expected


def test_associations_weigh_what_votes_weigh():
    strength = np.zeros((D, D))
    for i in range(D):  # every cause has one vote and one association, so that none is lifted above another
        strength[(i + 2) % D, i] = 1.0
        strength[(i + 1) % D, i] = 1e-9
    votes = votes_for(*((i, (i + 1) % D) for i in range(D)), total=1)
    found = ranked(NOTHING, votes, Held(strength))
    assert found[0, 2] == pytest.approx(found[0, 1], rel=1e-6)


def test_the_best_scores_are_those_of_a_stable_sort_of_equals_the_first(monkeypatch):
    monkeypatch.setattr(ranking, "LISTED", 30)
    rng = np.random.default_rng(3)
    for levels in (3, 20, 10_000):
        score = rng.integers(0, levels, 200) / levels
        np.testing.assert_array_equal(ranking._first(score), np.sort(np.argsort(-score, kind="stable")[:30]))
