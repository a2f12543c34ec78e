"""Single-gene moves: the score a move reports is the change of the sum, and nothing that matters is left stale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.order_search import moves, perturb
from acyclome.core.order_search import search as order
from acyclome.core.order_search import select as kernels
from acyclome.core.order_search import state as states

TOLERANCE = 1e-9


def search_state(lab, seed, d=12, n=300, *, relative=True):
    """Build the state of a search from a random order, with a score that is up to date and an empty queue."""
    R = lab.draw_correlations(seed, d) if seed % 2 else lab.moments_of(lab.draw_linear(seed, d, n, 2.5)[0]).R
    candidates = lab.all_pairs(d)
    blocks = lab.make_blocks(R, candidates, n, variance=None if relative else np.full(d, 2.0))
    rng = np.random.default_rng([21, seed])
    state, scratch = order._new_state(rng.permutation(d), candidates, np.arange(d)), order._new_move_scratch(candidates)
    moves.initialize(state, blocks, scratch.selecting)
    state.queued[:] = 0
    state.cursor[:] = 0
    children = states.Children(*candidates.children)
    return state, blocks, children, scratch, candidates, rng


def selections(state):
    """Return what the search knows of every gene, without the unused ends of its arrays."""
    return [
        (p["selected"][: p["size"]].tolist(), p["size"], p["pure"], p["residual"], p["score"]) for p in state.selection
    ]


def fresh(state, blocks, candidates, width):
    """Select the parents of every gene anew from the keys."""
    other = order._new_state(np.argsort(state.key, kind="stable"), candidates, np.arange(len(state.key)))
    moves.initialize(other, blocks, kernels.new_scratch(width))
    return other


def random_move(state, blocks, children, scratch, rng):
    return moves.insert_gene(
        int(rng.integers(len(state.key))), rng.uniform(-1, len(state.key)), state, blocks, children, scratch
    )


@given(seed=st.integers(0, 10_000), relative=st.booleans())
def test_a_move_gains_what_the_sum_of_scores_falls_by(lab, seed, relative):
    state, blocks, children, scratch, _, rng = search_state(lab, seed, relative=relative)
    for _ in range(5):
        before = state.selection["score"].sum()
        gain = random_move(state, blocks, children, scratch, rng)
        assert before - state.selection["score"].sum() == pytest.approx(gain, abs=TOLERANCE * abs(before))


@given(seed=st.integers(0, 10_000))
def test_after_moves_every_selection_is_that_of_the_order(lab, seed):
    state, blocks, children, scratch, candidates, rng = search_state(lab, seed)
    for _ in range(8):
        random_move(state, blocks, children, scratch, rng)
    other = fresh(state, blocks, candidates, len(state.key))
    np.testing.assert_array_equal(state.allowed, other.allowed)
    assert selections(state) == selections(other)


@given(seed=st.integers(0, 10_000))
def test_neighbors_come_by_rising_key_with_their_roles(lab, seed):
    state, blocks, children, scratch, candidates, rng = search_state(lab, seed)
    j = int(rng.integers(len(state.key)))
    n = moves.list_neighbors(j, state, blocks, children, scratch)
    genes = scratch.gene[scratch.by_key[:n]]
    assert sorted(genes) == [i for i in range(len(state.key)) if i != j]
    assert (np.diff(state.key[genes]) > 0).all()
    for k in range(n):
        assert candidates.parent[blocks.gene[j]["start"] + scratch.candidate[k]] == scratch.gene[k]
        assert (candidates.parent[scratch.edge[k]], candidates.target[scratch.edge[k]]) == (j, scratch.gene[k])


@pytest.mark.parametrize("seed", range(6))
def test_settling_leaves_an_empty_queue_and_gains_what_it_says(lab, seed):
    state, blocks, children, scratch, candidates, _ = search_state(lab, seed)
    for j in range(len(state.key)):
        states.enqueue(state, j)
    before = state.selection["score"].sum()
    gain, made, status = moves.run_to_optimum(
        state, blocks, children, scratch, np.array([seed], np.uint64), 10_000, 10_000
    )
    assert (status, state.cursor[1], int(state.queued.sum())) == (0, 0, 0)
    assert before - state.selection["score"].sum() == pytest.approx(gain, abs=TOLERANCE * abs(before))
    assert gain >= 0
    assert (gain > 0) == (made > 0)
    assert selections(state) == selections(fresh(state, blocks, candidates, len(state.key)))


def test_settling_stops_at_the_limit_of_moves(lab):
    state, blocks, children, scratch, *_ = search_state(lab, 4)
    for j in range(len(state.key)):
        states.enqueue(state, j)
    assert moves.run_to_optimum(state, blocks, children, scratch, np.array([1], np.uint64), 1, 10_000)[1:] == (1, 2)


@given(seed=st.integers(0, 10_000))
def test_taking_back_brings_back_every_bit(lab, seed):
    state, blocks, children, scratch, _, rng = search_state(lab, seed)
    key, allowed, path = state.key.copy(), state.allowed.copy(), state.selection.tobytes()
    states.record(state)
    for _ in range(6):
        random_move(state, blocks, children, scratch, rng)
    states.take_back(state, blocks, children)
    np.testing.assert_array_equal(state.key, key)
    np.testing.assert_array_equal(state.allowed, allowed)
    assert state.selection.tobytes() == path
    assert (int(state.queued.sum()), int((state.saved_at >= 0).sum())) == (0, 0)
    assert state.cursor[1:4].tolist() == [0, -1, -1]


def test_settling_stops_when_the_record_is_full(lab):
    state, blocks, children, scratch, *_ = search_state(lab, 4)
    for j in range(len(state.key)):
        states.enqueue(state, j)
    states.record(state)
    state.cursor[2] = len(state.journal)
    assert moves.run_to_optimum(state, blocks, children, scratch, np.array([1], np.uint64), 100, 10_000)[1:] == (0, 3)


def test_a_record_has_room_for_as_many_neighbors_as_it_can_save_from_its_first_move_on(lab):
    state, *_ = search_state(lab, 4)
    most = len(state.saved)
    states.keep(state)
    assert states.has_room(most, state)  # nothing is recorded, and nothing saved
    states.record(state)
    assert [states.has_room(n, state) for n in (most - 1, most)] == [True, False]


@pytest.mark.parametrize("seed", range(6))
def test_shaking_never_worsens_the_score_and_gains_what_it_says(lab, seed):
    state, blocks, children, scratch, candidates, rng = search_state(lab, seed)
    score = state.selection["score"].sum()
    for _ in range(4):
        genes = rng.permutation(len(state.key))
        seeds = rng.integers(2**63, size=len(genes)).astype(np.uint64)
        gain, _ = perturb.perturb([(state, scratch)], genes, seeds, blocks=blocks, children=children)
        now = state.selection["score"].sum()
        assert now <= score + len(state.key) * perturb.NOTHING
        assert gain == pytest.approx(score - now, abs=TOLERANCE * abs(score))
        score = now
    assert selections(state) == selections(fresh(state, blocks, candidates, len(state.key)))


def test_a_perturbation_that_changes_no_selection_moves_no_gene(lab):
    d = 12
    state, _, children, scratch, candidates, rng = search_state(lab, 3, d=d)
    blocks = lab.make_blocks(np.eye(d, dtype=np.float32), candidates, 300)  # genes that know nothing of one another
    moves.initialize(state, blocks, scratch.selecting)
    before = state.key.copy()
    seeds = rng.integers(2**63, size=d).astype(np.uint64)
    assert perturb.perturb([(state, scratch)], np.arange(d), seeds, blocks=blocks, children=children)[0] == 0.0
    np.testing.assert_array_equal(state.key, before)


def test_a_gene_with_every_other_as_parent_and_child_is_shaken(lab):
    d = 100
    assert d < perturb.WIDE < 2 * d
    state, blocks, children, scratch, _, rng = search_state(lab, 3, d=d)
    genes = rng.permutation(d)[:4]
    seeds = rng.integers(2**63, size=4).astype(np.uint64)
    assert perturb.perturb([(state, scratch)], genes, seeds, blocks=blocks, children=children)[0] > 0


def test_copies_follow_the_original_bit_for_bit(lab):
    state, blocks, children, scratch, candidates, rng = search_state(lab, 3, d=30)
    copies = [(states.State(*(part.copy() for part in state)), order._new_move_scratch(candidates)) for _ in range(2)]
    gain = 0.0
    for _ in range(4):
        genes = rng.permutation(30)
        seeds = rng.integers(2**63, size=30).astype(np.uint64)
        gain += perturb.perturb([(state, scratch), *copies], genes, seeds, blocks=blocks, children=children)[0]
        for copy, _ in copies:
            assert [part.tobytes() for part in copy[:3]] == [part.tobytes() for part in state[:3]]
    assert gain > 0


def test_a_gap_has_room_for_a_key_or_says_so(lab):
    state, blocks, children, scratch, *_ = search_state(lab, 2)
    n = moves.list_neighbors(0, state, blocks, children, scratch)
    sorted_keys = state.key[scratch.gene[scratch.by_key[:n]]]
    for gap in range(n + 1):
        key = moves.key_of_gap(gap, n, state, scratch, 0.5)
        assert np.searchsorted(sorted_keys, key) == gap
    low, high = scratch.gene[scratch.by_key[2]], scratch.gene[scratch.by_key[3]]
    state.key[high] = np.nextafter(state.key[low], np.inf)
    assert np.isnan(moves.key_of_gap(3, n, state, scratch, 0.5))


def test_the_stream_of_numbers_is_splitmix64():
    state, expected = np.array([42], np.uint64), []
    z, mask = 42, 2**64 - 1
    for _ in range(5):
        z = (z + 0x9E3779B97F4A7C15) & mask
        y = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        y = ((y ^ (y >> 27)) * 0x94D049BB133111EB) & mask
        expected.append(((y ^ (y >> 31)) >> 11) / 2**53)
    assert [moves.uniform(state) for _ in range(5)] == expected
