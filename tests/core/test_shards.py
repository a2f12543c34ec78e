"""Plans of shards: who owns what, what a shard sees, and orders put together from those of the owners."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.data.candidates import Candidates
from acyclome.core.shards import merge_orders, plan_shards


def draw(seed, d, degree=6):
    """Draw symmetric candidates and a strength for each pair, the same in both directions."""
    rng = np.random.default_rng([211, seed])
    source, target = rng.integers(0, d, (2, d * degree // 2))
    candidates = Candidates.from_pairs(np.concatenate([source, target]), np.concatenate([target, source]), d)
    R = rng.random((d, d))
    return candidates, np.maximum(R, R.T)[candidates.parent, candidates.target]


plans = {"seed": st.integers(0, 10_000), "d": st.integers(1, 60), "data": st.data()}


@given(**plans)
def test_every_gene_is_owned_by_one_shard_that_has_it_and_sizes_are_near_equal(seed, d, data):
    candidates, strength = draw(seed, d)
    shards = data.draw(st.integers(1, d))
    most = data.draw(st.integers(-(-d // shards), d))
    plan = plan_shards(candidates, strength, shards=shards, most=most, seed=seed)
    owned = np.bincount(plan.owner, minlength=shards)
    assert plan.n_shards == shards
    assert owned.max() - owned.min() <= 1
    assert plan.sizes.max() <= most
    for number in range(shards):
        genes = plan.of(number)
        assert (np.diff(genes) > 0).all()
        assert set(np.flatnonzero(plan.owner == number)) <= set(genes.tolist())


@given(**plans)
def test_a_halo_holds_candidate_parents_of_its_core_only_and_all_of_them_where_there_is_room(seed, d, data):
    candidates, strength = draw(seed, d)
    shards = data.draw(st.integers(1, d))
    plan = plan_shards(candidates, strength, shards=shards, most=d, seed=seed)
    for number in range(shards):
        core = plan.owner == number
        near = set(candidates.parent[core[candidates.target]].tolist())
        assert set(plan.of(number).tolist()) == near | set(np.flatnonzero(core).tolist())


@given(**plans)
def test_what_a_shard_sees_are_the_candidates_among_its_genes(seed, d, data):
    candidates, _ = draw(seed, d)
    genes = np.array(sorted(data.draw(st.sets(st.integers(0, d - 1), min_size=1))))
    inside, edges = candidates.subset(genes)
    np.testing.assert_array_equal(genes[inside.parent], candidates.parent[edges])
    np.testing.assert_array_equal(genes[inside.target], candidates.target[edges])
    wanted = np.isin(candidates.parent, genes) & np.isin(candidates.target, genes)
    np.testing.assert_array_equal(edges, np.flatnonzero(wanted))


def test_a_small_halo_takes_the_strongest_parent_of_every_gene_of_the_core():
    candidates, strength = draw(3, 60)
    plan = plan_shards(candidates, strength, shards=4, most=30, seed=3)
    for j in range(60):
        mine = slice(candidates.indptr[j], candidates.indptr[j + 1])
        if candidates.counts[j]:
            assert candidates.parent[mine][np.argmax(strength[mine])] in plan.of(plan.owner[j])


@given(seed=st.integers(0, 10_000), room=st.integers(0, 20))
def test_a_halo_takes_the_first_candidate_of_every_gene_then_the_second_until_it_is_full(seed, room):
    d, shards = 48, 4
    candidates, strength = draw(seed, d)
    plan = plan_shards(candidates, strength, shards=shards, most=d // shards + room, seed=seed)
    best = {}  # rank of a gene among the candidates of the core gene that it is strongest for
    for j in range(d):
        mine = slice(candidates.indptr[j], candidates.indptr[j + 1])
        for rank, i in enumerate(candidates.parent[mine][np.argsort(-strength[mine])].tolist()):
            at = plan.owner[j], i
            best[at] = min(best.get(at, rank), rank)
    for number in range(shards):
        halo = set(plan.of(number).tolist()) - set(np.flatnonzero(plan.owner == number).tolist())
        left = [rank for (shard, i), rank in best.items() if shard == number != plan.owner[i] and i not in halo]
        assert all(best[number, i] <= min(left, default=d) for i in halo)


def test_a_hub_is_copied_into_every_shard_that_has_children_of_it():
    d = 40
    kids = np.arange(1, d)
    candidates = Candidates.from_pairs(
        np.concatenate([np.zeros(d - 1, int), kids]), np.concatenate([kids, np.zeros(d - 1, int)]), d
    )
    plan = plan_shards(candidates, np.full(candidates.n_edges, 0.5), shards=4, most=12, seed=1)
    assert all(0 in plan.of(number) for number in range(4))


def test_separate_modules_are_not_torn_apart():
    blocks = [
        (a, b) for k in range(4) for a in range(10 * k, 10 * k + 10) for b in range(10 * k, 10 * k + 10) if a != b
    ]
    shuffled = np.random.default_rng(212).permutation(40)
    candidates = Candidates.from_pairs(*shuffled[np.array(blocks)].T, 40)
    plan = plan_shards(candidates, np.full(candidates.n_edges, 0.3), shards=4, most=40, seed=0)
    assert {len(set(plan.owner[shuffled[10 * k : 10 * k + 10]])) for k in range(4)} == {1}
    assert plan.sizes.tolist() == [10] * 4


@given(seed=st.integers(0, 10_000), d=st.integers(1, 20), density=st.floats(0, 1))
def test_the_order_of_a_single_shard_comes_back_as_it_is(seed, d, density):
    rng = np.random.default_rng([213, seed])
    order = rng.permutation(d)
    first, last = np.nonzero(np.triu(rng.random((d, d)) < density, 1))
    place = np.empty(d)
    place[order] = np.arange(d) / d
    merged, against = merge_orders(order[first], order[last], rng.random(len(first)), position=place, seed=seed)
    np.testing.assert_array_equal(merged, order)
    assert against == 0


def test_a_cycle_through_two_shards_is_opened_at_its_weakest_edge():
    source, target = np.array([0, 1, 2]), np.array([1, 2, 0])
    order, against = merge_orders(source, target, np.array([5.0, 0.5, 7.0]), position=np.array([0.0, 0.5, 0.5]), seed=0)
    assert (order.tolist(), against) == ([2, 0, 1], 1)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_shards_come_does_not_matter(seed):
    rng = np.random.default_rng([214, seed])
    pairs = Candidates.from_pairs(*rng.integers(0, 30, (2, 80)), 30)
    loss, place = rng.random(pairs.n_edges), rng.random(30)
    shuffled = rng.permutation(pairs.n_edges)
    one = merge_orders(pairs.parent, pairs.target, loss, position=place, seed=1)
    two = merge_orders(pairs.parent[shuffled], pairs.target[shuffled], loss[shuffled], position=place, seed=1)
    np.testing.assert_array_equal(one[0], two[0])
    assert one[1] == two[1]
