"""The climb: never down, never a cycle, the best graph where all can be listed; and who leads to whom."""

from itertools import product

import numpy as np
import pytest

from acyclome.core.graph.equivalence import is_dag
from acyclome.core.graph.reach import above, leads_to, sort_genes
from acyclome.core.hill_climbing import perturb as climb_shake
from acyclome.core.hill_climbing.climb import FIRST, LAST, Climb, ClimbSettings
from acyclome.core.hill_climbing.perturb import shake

ALL = ClimbSettings(shortlist=1000, rounds=0)


class TableScore:
    """A random score of every set of causes: rough, and without any structure to exploit."""

    def __init__(self, seed, roughness):
        self.seed, self.roughness = seed, roughness

    def scores(self, j, sets):
        return np.array([self._one(j, tuple(sorted(row))) for row in sets.tolist()])

    def _one(self, j, causes):
        pulls = np.random.default_rng([self.seed, j]).normal(0.5, 1.5, 64)
        rough = np.random.default_rng([self.seed, j, *causes, 99]).standard_normal() if causes else 0.0
        return -sum(pulls[i] for i in causes) + 0.7 * len(causes) ** 2 + self.roughness * rough

    def promise(self, j, causes, others):
        return np.random.default_rng([self.seed, j]).normal(0.5, 1.5, 64)[others]


def climb_of(lab, seed, d, *, settings=ALL, roughness=0.5, threads=1):
    candidates, rng = lab.all_pairs(d), np.random.default_rng([73, seed])
    found = Climb(TableScore(seed, roughness), candidates, settings, rng.permutation(d), threads)
    found.begin(np.zeros(candidates.n_edges, bool))
    return found


def total(climb):
    d = climb.candidates.n_genes
    return sum(climb.score.scores(j, climb.causes(j)[None])[0] for j in range(d))


def is_acyclic(climb):
    return is_dag(climb.candidates.parent[climb.held], climb.target[climb.held], climb.candidates.n_genes)


def test_every_round_lowers_the_score_and_keeps_the_graph_acyclic(lab):
    for seed in range(5):
        climb = climb_of(lab, seed, 9)
        before = climb.total.sum()
        while touched := climb._round():
            climb._look(sorted(touched))
            assert climb.total.sum() < before
            assert is_acyclic(climb)
            before = climb.total.sum()
        assert before == pytest.approx(total(climb))


def test_where_the_climb_ends_no_single_change_helps(lab):
    for seed in range(5):
        climb = climb_of(lab, seed, 7)
        climb.settle()
        parent, target, held = climb.candidates.parent, climb.target, climb.held
        for e in range(len(held)):
            turned = held.copy()
            turned[e] = ~held[e]
            if held[climb.mirror[e]]:
                turned[climb.mirror[e]] = False
            if is_dag(parent[turned], target[turned], 7):
                other = Climb(climb.score, climb.candidates, ALL, climb.start)
                other.begin(turned)
                assert other.total.sum() >= climb.total.sum() - 1e-6


def test_an_edge_better_gone_goes_though_turning_it_would_be_better_still(lab):
    for seed in range(20):
        climb = climb_of(lab, seed, 9, roughness=2.0)
        climb.settle()
        assert climb.gain[climb.held].max(initial=0.0) <= 1e-6


def test_shaking_never_raises_the_score_and_finds_the_best_of_all_graphs(lab):
    best_found = 0
    for seed in range(6):
        climb = climb_of(lab, seed, 4)
        climb.settle()
        before = climb.total.sum()
        shake(climb, np.random.default_rng([74, seed]))
        assert climb.total.sum() <= before + 1e-9
        assert is_acyclic(climb)
        best_found += climb.total.sum() <= best_of_all(climb) + 1e-9
    assert best_found >= 5


def best_of_all(climb):
    parent, target = climb.candidates.parent, climb.target
    pairs = [(i, j) for i in range(4) for j in range(i)]
    best = 0.0
    for choice in product((0, 1, 2), repeat=len(pairs)):
        edges = [(i, j) if c == 1 else (j, i) for c, (i, j) in zip(choice, pairs, strict=True) if c]
        source, effect = np.array([e[0] for e in edges], int), np.array([e[1] for e in edges], int)
        if is_dag(source, effect, 4):
            held = np.array([(i, j) in edges for i, j in zip(parent.tolist(), target.tolist(), strict=True)])
            sets = [parent[held & (target == j)][None] for j in range(4)]
            best = min(best, sum(climb.score.scores(j, s)[0] for j, s in enumerate(sets)))
    return best


def test_threads_change_nothing_however_many_genes_are_shaken_at_once(lab, monkeypatch):
    for apart in (50, 2):
        monkeypatch.setattr(climb_shake, "APART", apart)
        one, two = (climb_of(lab, 3, 12, threads=threads) for threads in (1, 2))
        for climb in (one, two):
            climb.settle()
            shake(climb, np.random.default_rng(5))
        assert (one.held == two.held).all()
        assert one.total.tolist() == two.total.tolist()


def test_genes_shaken_at_once_keep_the_graph_acyclic_and_its_scores_right(lab, monkeypatch):
    monkeypatch.setattr(climb_shake, "APART", 1)
    for seed in range(5):
        climb = climb_of(lab, seed, 12, roughness=2.0)
        before = climb.total.sum()
        shake(climb, np.random.default_rng([75, seed]))
        assert is_acyclic(climb)
        assert climb.total.sum() < before
        assert climb.total.sum() == pytest.approx(total(climb))


def test_a_shake_that_does_not_pay_leaves_no_trace(lab):
    climb = climb_of(lab, 2, 10, roughness=2.0)
    climb.settle()
    before = climb.copy()
    kept = [climb_shake._try(climb, j, rule) is not None for j in range(10) for rule in (FIRST, LAST)]
    assert not all(kept)
    assert (climb.held == before.held).all()
    assert climb.gain.tolist() == before.gain.tolist()
    assert climb.total.tolist() == before.total.tolist()
    for j in range(10):
        assert set(climb.graph.cause[j, : climb.graph.size[j]].tolist()) == set(climb.causes(j).tolist())


def test_after_a_shake_that_pays_the_gene_is_free_again_and_what_was_touched_has_settled(lab):
    paid = 0
    for seed in range(6):
        climb = climb_of(lab, seed, 10, roughness=2.0)
        climb.settle()
        for j, rule in product(range(10), (FIRST, LAST)):
            change = climb_shake._try(climb, j, rule)
            if change is not None:
                paid += 1
                shaken = climb.copy()
                shaken.put(change)
                before = shaken.total.sum()
                shaken.settle(set(change))
                assert shaken.total.sum() == before
    assert paid > 3


def test_a_climb_along_an_order_keeps_to_it(lab):
    climb = climb_of(lab, 4, 10)
    order = np.random.default_rng(6).permutation(10)
    climb.settle_along(order)
    place = np.argsort(order)
    assert climb.held.any()
    assert (place[climb.candidates.parent[climb.held]] < place[climb.target[climb.held]]).all()


def test_the_order_is_topological(lab):
    climb = climb_of(lab, 5, 10)
    climb.settle()
    place = np.argsort(climb.topological())
    assert (place[climb.candidates.parent[climb.held]] < place[climb.target[climb.held]]).all()


def test_more_candidates_keep_the_graph(lab):
    climb = climb_of(lab, 6, 8)
    climb.settle()
    moved = climb.moved_to(lab.all_pairs(8))
    assert (moved.held == climb.held).all()
    assert moved.total.tolist() == climb.total.tolist()


def test_who_leads_to_whom():
    graph = above(np.array([0, 1, 0]), np.array([1, 2, 2]), 4, 3)
    assert leads_to(graph, 0, 2)
    assert leads_to(graph, 0, 2, (0, 2))
    assert not leads_to(graph, 0, 1, (0, 1))
    assert not leads_to(graph, 2, 0)
    graph.remove(1, 2)
    assert not leads_to(graph, 1, 2)
    assert sort_genes(np.array([2]), np.array([0]), np.array([0, 1, 2])).tolist() == [1, 2, 0]
