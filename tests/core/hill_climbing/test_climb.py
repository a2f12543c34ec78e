"""The climb: never down, never a cycle, the best graph where all can be listed; and who leads to whom."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from acyclome.core.data.constraints import Constraints
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.graph.reach import is_ancestor, parents_of, sort_genes
from acyclome.core.hill_climbing import climb as climb_module
from acyclome.core.hill_climbing import perturb as perturbation
from acyclome.core.hill_climbing.climb import FIRST, LAST, HillClimbing
from acyclome.core.hill_climbing.perturb import perturb

ALL = 1000  # candidates on the shortlist


class TableScore:
    """A random score of every set of parents: rough, and without any structure to exploit."""

    def __init__(self, seed, roughness):
        self.seed, self.roughness = seed, roughness

    def scores(self, j, sets):
        return np.array([self._one(j, tuple(sorted(row))) for row in sets.tolist()])

    def _one(self, j, parents):
        pulls = np.random.default_rng([self.seed, j]).normal(0.5, 1.5, 64)
        rough = np.random.default_rng([self.seed, j, *parents, 99]).standard_normal() if parents else 0.0
        return -sum(pulls[i] for i in parents) + 0.7 * len(parents) ** 2 + self.roughness * rough

    def promise(self, j, parents, others):
        return np.random.default_rng([self.seed, j]).normal(0.5, 1.5, 64)[others]


def climb_of(lab, seed, d, *, shortlist=ALL, roughness=0.5, threads=1):
    candidates, rng = lab.all_pairs(d), np.random.default_rng([73, seed])
    found = HillClimbing(
        TableScore(seed, roughness), candidates, shortlist, rng.permutation(d), Constraints.none(d), threads
    )
    found.begin(np.zeros(candidates.n_edges, bool))
    return found


def total(climb):
    d = climb.candidates.n_genes
    return sum(climb.score.scores(j, climb.parents(j)[None])[0] for j in range(d))


def is_acyclic(climb):
    return is_dag(climb.candidates.parent[climb.selected], climb.target[climb.selected], climb.candidates.n_genes)


def test_every_round_lowers_the_score_and_keeps_the_graph_acyclic(lab):
    for seed in range(5):
        climb = climb_of(lab, seed, 9)
        before = climb.total.sum()
        while touched := climb._round():
            climb._rescore(sorted(touched))
            assert climb.total.sum() < before
            assert is_acyclic(climb)
            before = climb.total.sum()
        assert before == pytest.approx(total(climb))


def test_where_the_climb_ends_no_single_change_helps(lab):
    for seed in range(5):
        climb = climb_of(lab, seed, 7)
        climb.run_to_optimum()
        parent, target, selected = climb.candidates.parent, climb.target, climb.selected
        for e in range(len(selected)):
            turned = selected.copy()
            turned[e] = ~selected[e]
            if selected[climb.mirror[e]]:
                turned[climb.mirror[e]] = False
            if is_dag(parent[turned], target[turned], 7):
                other = HillClimbing(climb.score, climb.candidates, ALL, climb.start, climb.constraints)
                other.begin(turned)
                assert other.total.sum() >= climb.total.sum() - 1e-6


def test_an_edge_better_gone_goes_though_turning_it_would_be_better_still(lab):
    for seed in range(20):
        climb = climb_of(lab, seed, 9, roughness=2.0)
        climb.run_to_optimum()
        assert climb.gain[climb.selected].max(initial=0.0) <= 1e-6


def test_perturbing_never_raises_the_score_and_finds_the_best_of_all_graphs(lab):
    best_found = 0
    for seed in range(6):
        climb = climb_of(lab, seed, 4)
        climb.run_to_optimum()
        before = climb.total.sum()
        perturb(climb, np.random.default_rng([74, seed]))
        assert climb.total.sum() <= before + 1e-9
        assert is_acyclic(climb)
        best_found += climb.total.sum() <= best_of_all(climb) + 1e-9
    assert best_found >= 5


def best_of_all(climb, required=frozenset()):
    parent, target = climb.candidates.parent, climb.target
    pairs = [(i, j) for i in range(4) for j in range(i)]
    best = np.inf
    for choice in product((0, 1, 2), repeat=len(pairs)):
        edges = [(i, j) if c == 1 else (j, i) for c, (i, j) in zip(choice, pairs, strict=True) if c]
        source, effect = np.array([e[0] for e in edges], int), np.array([e[1] for e in edges], int)
        if required <= set(edges) and is_dag(source, effect, 4):
            selected = np.array([(i, j) in edges for i, j in zip(parent.tolist(), target.tolist(), strict=True)])
            sets = [parent[selected & (target == j)][None] for j in range(4)]
            best = min(best, sum(climb.score.scores(j, s)[0] for j, s in enumerate(sets)))
    return best


def test_threads_change_nothing_however_many_genes_are_perturbed_at_once(lab, monkeypatch):
    for apart in (50, 2):
        monkeypatch.setattr(perturbation, "APART", apart)
        one, two = (climb_of(lab, 3, 12, threads=threads) for threads in (1, 2))
        for climb in (one, two):
            climb.run_to_optimum()
            perturb(climb, np.random.default_rng(5))
        assert (one.selected == two.selected).all()
        assert one.total.tolist() == two.total.tolist()


def test_genes_perturbed_at_once_keep_the_graph_acyclic_and_its_scores_right(lab, monkeypatch):
    monkeypatch.setattr(perturbation, "APART", 1)
    for seed in range(5):
        climb = climb_of(lab, seed, 12, roughness=2.0)
        before = climb.total.sum()
        perturb(climb, np.random.default_rng([75, seed]))
        assert is_acyclic(climb)
        assert climb.total.sum() < before
        assert climb.total.sum() == pytest.approx(total(climb))


def test_a_perturbation_that_does_not_pay_leaves_no_trace(lab):
    climb = climb_of(lab, 2, 10, roughness=2.0)
    climb.run_to_optimum()
    before = climb.copy()
    kept = [perturbation._attempt(climb, j, pin) is not None for j in range(10) for pin in (FIRST, LAST)]
    assert not all(kept)
    assert (climb.selected == before.selected).all()
    assert climb.gain.tolist() == before.gain.tolist()
    assert climb.total.tolist() == before.total.tolist()
    for j in range(10):
        assert set(climb.graph.parent[j, : climb.graph.size[j]].tolist()) == set(climb.parents(j).tolist())


def test_after_a_perturbation_that_pays_the_gene_is_free_again_and_what_was_touched_is_at_an_optimum(lab):
    paid = 0
    for seed in range(6):
        climb = climb_of(lab, seed, 10, roughness=2.0)
        climb.run_to_optimum()
        for j, pin in product(range(10), (FIRST, LAST)):
            change = perturbation._attempt(climb, j, pin)
            if change is not None:
                paid += 1
                perturbed = climb.copy()
                perturbed.put(change)
                before = perturbed.total.sum()
                perturbed.run_to_optimum(set(change))
                assert perturbed.total.sum() == before
    assert paid > 3


def test_a_climb_along_an_order_keeps_to_it(lab):
    climb = climb_of(lab, 4, 10)
    order = np.random.default_rng(6).permutation(10)
    climb.run_along(order)
    place = np.argsort(order)
    assert climb.selected.any()
    assert (place[climb.candidates.parent[climb.selected]] < place[climb.target[climb.selected]]).all()


def test_the_order_is_topological(lab):
    climb = climb_of(lab, 5, 10)
    climb.run_to_optimum()
    place = np.argsort(climb.topological())
    assert (place[climb.candidates.parent[climb.selected]] < place[climb.target[climb.selected]]).all()


def test_more_candidates_keep_the_graph(lab):
    climb = climb_of(lab, 6, 8)
    climb.run_to_optimum()
    moved = climb.moved_to(lab.all_pairs(8))
    assert (moved.selected == climb.selected).all()
    assert moved.total.tolist() == climb.total.tolist()


def test_among_other_candidates_there_is_nothing_to_go_back_to(lab):
    """What was kept of a gene speaks of the candidates that it had."""
    climb = climb_of(lab, 6, 8)
    climb.past = {3: climb.snapshot(3)}
    assert climb.moved_to(lab.all_pairs(8)).past is None


def test_ancestors():
    graph = parents_of(np.array([0, 1, 0]), np.array([1, 2, 2]), n_genes=4, most=3)
    assert is_ancestor(graph, 0, 2)
    assert is_ancestor(graph, 0, 2, without=(0, 2))
    assert not is_ancestor(graph, 0, 1, without=(0, 1))
    assert not is_ancestor(graph, 2, 0)
    graph.remove(1, 2)
    assert not is_ancestor(graph, 1, 2)
    assert sort_genes(np.array([2]), np.array([0]), np.array([0, 1, 2])).tolist() == [1, 2, 0]


def with_required(lab, seed, d, edges, **options):
    keys = np.sort(np.array([j * d + i for i, j in edges], np.int64))
    climb = climb_of(lab, seed, d, **options)
    climb = replace(climb, constraints=replace(Constraints.none(d), required=keys))
    climb.begin(climb.required)
    return climb


def test_required_edges_stay_through_moves_and_perturbations(lab, monkeypatch):
    monkeypatch.setattr(perturbation, "APART", 1)
    edges = {(3, 0), (0, 5), (7, 5), (6, 2)}
    for seed in range(5):
        climb = with_required(lab, seed, 9, edges, roughness=2.0)
        climb.run_to_optimum()
        perturb(climb, np.random.default_rng([76, seed]))
        source, target = climb.candidates.parent[climb.selected], climb.target[climb.selected]
        assert edges <= set(zip(source.tolist(), target.tolist(), strict=True))
        assert is_acyclic(climb)
        assert climb.total.sum() == pytest.approx(total(climb))


def test_more_parents_may_be_required_than_would_be_chosen(lab):
    d = climb_module.MAX_PARENTS + 4
    climb = with_required(lab, 1, d, {(i, d - 1) for i in range(d - 1)})
    climb.run_to_optimum()
    assert climb.graph.size[d - 1] == d - 1
    perturb(climb, np.random.default_rng(3))
    assert climb.graph.size[d - 1] == d - 1


def test_with_required_edges_the_best_of_all_graphs_that_have_them_is_found(lab):
    best_found = 0
    for seed in range(6):
        climb = with_required(lab, seed, 4, {(2, 1), (1, 0)})
        climb.run_to_optimum()
        perturb(climb, np.random.default_rng([74, seed]))
        best_found += climb.total.sum() <= best_of_all(climb, {(2, 1), (1, 0)}) + 1e-9
    assert best_found >= 5
