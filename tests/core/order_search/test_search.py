"""The order search against scores computed from scratch, and against trying every single-gene move."""

import numpy as np
import pytest

from acyclome.core.data.candidates import Candidates
from acyclome.core.graph.equivalence import cpdag
from acyclome.core.order_search import search as order
from acyclome.core.order_search import select as kernels
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.order_search.negentropy import negentropy
from acyclome.core.order_search.search import SAVED, search_order

SETTLED, SHAKEN = 0, 2  # rounds
RTOL = 1e-4  # float32 correlations against float64 fits of the same correlations


def start(seed, d):
    return np.random.default_rng([11, seed]).permutation(d)


def sparse_candidates(seed, d, density):
    """Draw symmetric candidates, so that some pairs are never compared."""
    joined = np.triu(np.random.default_rng([12, seed]).random((d, d)) < density, 1)
    return Candidates.from_pairs(*np.nonzero(joined | joined.T), d)


def is_forward(dag):
    place = np.empty(len(dag.order), int)
    place[dag.order] = np.arange(len(dag.order))
    return bool((place[dag.source] < place[dag.target]).all())


def score_of_order(blocks, candidates, order, scratch, path):
    """Select the parents of every gene from those before it, and add up."""
    place = np.empty(len(order), int)
    place[order] = np.arange(len(order))
    total = 0.0
    for j, gene in enumerate(blocks.gene):
        own = slice(gene["start"], gene["start"] + gene["width"])
        before = (place[candidates.parent[own]] < place[j]).astype(np.uint8)
        total += kernels.select(gene, before, blocks.cross, blocks.gram, blocks.relative, scratch, path)
    return total


def best_single_move(blocks, candidates, order):
    """Score of ``order``, and of the best order that differs from it by the place of one gene."""
    d = len(order)
    scratch, path = kernels.new_scratch(d), np.zeros(1, kernels.SELECTION)[0]
    moved = [
        [*without[:t], j, *without[t:]] for j in order for without in [[i for i in order if i != j]] for t in range(d)
    ]
    return tuple(
        min(score_of_order(blocks, candidates, np.array(one), scratch, path) for one in some)
        for some in ([order], moved)
    )


@pytest.mark.parametrize("rounds", [SETTLED, SHAKEN], ids=["settled", "shaken"])
@pytest.mark.parametrize("equal", [False, True], ids=["unequal", "equal"])
def test_the_score_is_that_of_the_returned_graph(lab, equal, rounds):
    for seed in range(4):
        d, n = 16, 400
        m = lab.moments_of(lab.draw_linear(seed, d, n)[0])
        variance = m.scale**2 / 1.3 if equal else None
        blocks = lab.make_blocks(m.R, lab.all_pairs(d), n, variance=variance)
        dag = search_order(blocks, lab.all_pairs(d), start(seed, d), rounds=rounds, seed=seed)
        assert dag.score == pytest.approx(lab.score_of(m.R, lab.parents_of(dag), n, variance=variance), rel=RTOL)
        assert dag.score <= dag.score_at_local_optimum + 1e-6
        assert sorted(dag.order) == list(range(d))
        assert is_forward(dag)


@pytest.mark.parametrize("equal", [False, True], ids=["unequal", "equal"])
def test_weights_losses_and_rests_are_those_of_refits(lab, equal):
    d, n = 14, 500
    m = lab.moments_of(lab.draw_linear(5, d, n, 2.5)[0])
    variance = m.scale**2 if equal else None
    blocks = lab.make_blocks(m.R, lab.all_pairs(d), n, variance=variance)
    dag = search_order(blocks, lab.all_pairs(d), start(5, d), rounds=SETTLED, seed=5)
    parents, R = lab.parents_of(dag), m.R.astype(float)
    for i, j, weight, loss in zip(dag.source, dag.target, dag.weight, dag.loss, strict=True):
        fit = np.linalg.solve(R[np.ix_(parents[j], parents[j])], R[parents[j], j])
        assert weight == pytest.approx(fit[parents[j].index(i)], abs=1e-4)
        rest, fewer = lab.rest_of(R, j, parents[j]), lab.rest_of(R, j, [k for k in parents[j] if k != i])
        assert dag.residual[j] == pytest.approx(rest, rel=RTOL)
        expected = n / 2 * (variance[j] * (fewer - rest) if equal else np.log(fewer / rest))
        assert loss == pytest.approx(expected, rel=1e-3)


def gain_of_best_move(lab, seed, d, density):
    """Settle a small problem; return what the best move of a single gene would still gain."""
    n = 300
    R = lab.draw_correlations(seed, d) if seed % 2 else lab.moments_of(lab.draw_linear(seed, d, n, 2.5)[0]).R
    candidates = lab.all_pairs(d) if density == 1 else sparse_candidates(seed, d, density)
    blocks = lab.make_blocks(R, candidates, n)
    dag = search_order(blocks, candidates, start(seed, d), rounds=SETTLED, seed=seed)
    own, best = best_single_move(blocks, candidates, dag.order.tolist())
    assert own == pytest.approx(dag.score, abs=1e-9)
    return own - best


def test_no_single_gene_has_a_better_place(lab):
    assert max(gain_of_best_move(lab, seed, 7, density=1.0) for seed in range(24)) <= 1e-6


def test_no_single_gene_has_a_better_place_among_few_candidates(lab):
    assert gain_of_best_move(lab, 9, 7, density=0.6) <= 1e-6


def test_a_search_repeated_gives_the_same_bits_on_any_number_of_threads(lab):
    d = 40
    R = lab.moments_of(lab.draw_linear(2, d, 200)[0]).R
    blocks = lab.make_blocks(R, lab.all_pairs(d), 200)
    one, two, three = (
        search_order(blocks, lab.all_pairs(d), start(2, d), rounds=SHAKEN, seed=7, threads=threads)
        for threads in (1, 1, 3)
    )
    for name in ("source", "target", "weight", "loss", "order", "residual", "score", "score_at_local_optimum"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))


def searched(lab, monkeypatch, worth, *, threads=1):
    """Search 40 genes, where what is gained is looked at after every batch of perturbations."""
    monkeypatch.setattr(order, "STAKES", 0)
    monkeypatch.setattr(order, "WORTH", worth)
    d = 40
    blocks = lab.make_blocks(lab.moments_of(lab.draw_linear(2, d, 200)[0]).R, lab.all_pairs(d), 200)
    return search_order(blocks, lab.all_pairs(d), start(2, d), rounds=SHAKEN, seed=7, threads=threads)


def test_perturbations_end_where_they_gain_less_than_they_are_worth(lab, monkeypatch):
    batches = []
    perturb = order.perturb
    monkeypatch.setattr(order, "perturb", lambda *given, **more: batches.append(perturb(*given, **more)) or batches[-1])
    whole = searched(lab, monkeypatch, -np.inf)
    every, found = batches.copy(), []
    least = max(gain / max(stakes, 1) for gain, stakes in every)  # what the best batch gains, and no other
    for threads in (1, 3):
        batches.clear()
        found.append(searched(lab, monkeypatch, least, threads=threads))
        first = next(i for i, (gain, stakes) in enumerate(every) if gain < least * stakes)
        assert batches == every[: first + 1] != every
    one, three = found
    assert whole.score <= one.score <= one.score_at_local_optimum == whole.score_at_local_optimum
    np.testing.assert_array_equal(one.order, three.order)


def test_another_seed_is_another_search_from_the_same_start(lab):
    d = 40
    R = lab.moments_of(lab.draw_linear(2, d, 200)[0]).R
    blocks = lab.make_blocks(R, lab.all_pairs(d), 200)
    one, two = (search_order(blocks, lab.all_pairs(d), start(2, d), rounds=SHAKEN, seed=seed) for seed in (7, 8))
    assert not np.array_equal(one.order, two.order)


def test_names_of_genes_do_not_matter(lab):
    for seed in range(8):
        d, n = 8, 5000
        R = lab.moments_of(lab.draw_linear(seed, d, n)[0]).R
        new = np.random.default_rng([13, seed]).permutation(d)  # gene j is now called new[j]
        old = np.argsort(new)
        blocks, renamed = (lab.make_blocks(one, lab.all_pairs(d), n) for one in (R, R[np.ix_(old, old)]))
        one = search_order(blocks, lab.all_pairs(d), start(seed, d), rounds=SHAKEN, seed=seed)
        two = search_order(renamed, lab.all_pairs(d), new[start(seed, d)], rounds=SHAKEN, seed=seed)
        assert two.score == pytest.approx(one.score, rel=RTOL)


def arrows(source, target, d):
    """Return the equivalence class: joined pairs, and the directed pairs that are compelled."""
    compelled = cpdag(np.asarray(source), np.asarray(target), d).astype(bool)
    pairs = list(zip(np.asarray(source).tolist(), np.asarray(target).tolist(), strict=True))
    return {frozenset(pair) for pair in pairs}, {pair for pair, held in zip(pairs, compelled, strict=True) if held}


@pytest.mark.parametrize("seed", range(10))
def test_large_samples_give_the_true_equivalence_class(lab, seed):
    d, n = 9, 20_000
    X, W = lab.draw_linear(seed, d, n)
    blocks = lab.make_blocks(lab.moments_of(X).R, lab.all_pairs(d), n)
    dag = search_order(blocks, lab.all_pairs(d), start(seed, d), rounds=SHAKEN, seed=seed)
    assert arrows(dag.source, dag.target, d) == arrows(*np.nonzero(W), d)


@pytest.mark.parametrize("seed", range(6))
def test_equal_noise_on_raw_data_gives_every_direction(lab, seed):
    d, n = 9, 20_000
    X, W = lab.draw_linear(seed, d, n)
    m = lab.moments_of(X)
    blocks = lab.make_blocks(m.R, lab.all_pairs(d), n, variance=m.scale**2)
    dag = search_order(blocks, lab.all_pairs(d), start(seed, d), rounds=SHAKEN, seed=seed)
    assert set(zip(dag.source.tolist(), dag.target.tolist(), strict=True)) == set(zip(*np.nonzero(W), strict=True))


def test_without_candidates_there_is_no_edge_and_the_start_stays(lab):
    d = 6
    none = Candidates.from_pairs([], [], d)
    dag = search_order(
        lab.make_blocks(np.eye(d, dtype=np.float32), none, 100), none, start(0, d), rounds=SHAKEN, seed=0
    )
    np.testing.assert_array_equal(dag.order, start(0, d))
    assert (len(dag.source), dag.score) == (0, 0.0)
    np.testing.assert_array_equal(dag.residual, np.ones(d))


def test_a_hub_with_more_children_than_a_record_holds_is_searched_too(lab):
    d = SAVED + 40
    rng = np.random.default_rng(92)
    hub = rng.standard_normal(60)
    X = 0.8 * hub[:, None] + rng.standard_normal((60, d))
    X[:, 0] = hub
    leaves = np.arange(1, d)
    candidates = Candidates.from_pairs(np.zeros(d - 1, int), leaves, d)
    R = lab.moments_of(X).R.astype(np.float32)
    start = np.append(leaves, 0).astype(np.int32)
    dag = search_order(lab.make_blocks(R, candidates, 60), candidates, start, rounds=SETTLED, seed=1)
    assert len(dag.source) > 0.5 * d
    assert (dag.source == 0).all()


def test_the_score_takes_off_what_the_noise_of_every_gene_gains(lab):
    """Of an edge alone in its network too: no set of parents is taken for another."""
    E = np.random.default_rng([13, 1]).exponential(size=(400, 2))
    E[:, 1] += E[:, 0]
    problem, candidates = lab.problem_of(E), Candidates.from_pairs([0], [1], 2)
    blocks = build_blocks(problem, candidates, score=ScoreSettings(False, 1.0, SETTLED, non_gaussian=True))
    dag = search_order(blocks, candidates, np.arange(2), rounds=SETTLED, seed=1)
    Z = problem.data.Z.astype(float)
    rest = Z[1] - Z[0] * (Z[0] @ Z[1] / 400)
    noise = [max(400 * negentropy(x / x.std(), 1.0) - blocks.least, 0.0) for x in (Z[0], rest)]
    assert min(noise) > 1
    expected = 200 * np.log(np.mean(rest**2)) + blocks.gene[1]["penalty"] - sum(noise)
    assert dag.score == pytest.approx(expected, rel=1e-5)
