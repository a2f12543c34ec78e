"""Plans of resamples, and votes counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.confidence.resample import count_votes, plan_subsamples, support


@given(n_obs=st.integers(2, 60), resamples=st.integers(2, 9), seed=st.integers(0, 1000))
def test_members_of_a_pair_share_no_observation_and_are_halves(n_obs, resamples, seed):
    members = plan_subsamples(n_obs, resamples, fraction=0.5, seed=seed)
    assert [member.number for member in members] == list(range(resamples))
    for one, two in zip(members[::2], members[1::2], strict=False):
        assert not set(one.rows.tolist()) & set(two.rows.tolist())
    for member in members:
        assert len(member.rows) == n_obs // 2
        assert (np.diff(member.rows) > 0).all()
        assert set(member.rows.tolist()) <= set(range(n_obs))


@pytest.mark.parametrize(("fraction", "size"), [(0.1, 20), (0.8, 160), (0.95, 190)])
def test_other_fractions_have_their_size_and_are_drawn_one_by_one(fraction, size):
    members = plan_subsamples(200, 4, fraction=fraction, seed=3)
    assert {len(set(member.rows.tolist())) for member in members} == {size}
    assert len({tuple(member.rows) for member in members}) == 4


def test_every_member_has_a_seed_of_its_own():
    assert len({member.seed for seed in range(5) for member in plan_subsamples(50, 40, fraction=0.5, seed=seed)}) == 200


def test_more_resamples_begin_with_the_same_ones():
    few, many = plan_subsamples(80, 5, fraction=0.5, seed=9), plan_subsamples(80, 12, fraction=0.5, seed=9)
    for one, two in zip(few, many, strict=False):
        assert one.seed == two.seed
        np.testing.assert_array_equal(one.rows, two.rows)


def test_every_observation_is_seen_about_equally_often():
    seen = np.bincount(np.concatenate([m.rows for m in plan_subsamples(100, 200, fraction=0.5, seed=4)]), minlength=100)
    assert (seen == 100).all()  # each complementary pair sees each of an even number of observations once


# Three resamples over four genes: {0 -> 1, 1 -> 2}, {0 -> 1, 2 -> 1}, {1 -> 0}.
SOURCE, TARGET = np.array([0, 1, 0, 2, 1]), np.array([1, 2, 1, 1, 0])
LOSS = np.array([6.0, 3.0, 9.0, 1.5, 30.0])


def test_votes_are_counted_as_by_hand():
    votes = count_votes(SOURCE, TARGET, LOSS, n_genes=4, total=3)
    source, target = np.array([0, 1, 1, 2, 3, 0]), np.array([1, 0, 2, 1, 0, 3])
    np.testing.assert_allclose(votes.of(source, target), [2 / 3, 1 / 3, 1 / 3, 1 / 3, 0, 0])
    np.testing.assert_allclose(votes.gain_of(source, target), [5.0, 10.0, 1.0, 0.5, 0, 0])
    assert votes.pairs.n_edges == 4


def test_stability_is_how_often_a_pair_is_joined_and_direction_how_often_it_points_so():
    votes = count_votes(SOURCE, TARGET, LOSS, n_genes=4, total=3)
    joined, direction, _ = support(votes, np.array([0, 1, 1, 0]), np.array([1, 0, 2, 3]))
    np.testing.assert_allclose(joined, [1.0, 1.0, 2 / 3, 0])
    np.testing.assert_allclose(direction, [2 / 3, 1 / 3, 0.5, 0])


def test_the_order_of_resamples_does_not_matter_to_the_counts():
    shuffled = np.random.default_rng(5).permutation(5)
    one, two = (count_votes(SOURCE[at], TARGET[at], LOSS[at], n_genes=4, total=3) for at in (np.arange(5), shuffled))
    np.testing.assert_array_equal(one.count, two.count)
    np.testing.assert_allclose(one.gain, two.gain)


def test_resamples_without_an_edge_vote_against_all():
    votes = count_votes(np.empty(0, int), np.empty(0, int), np.empty(0), n_genes=4, total=2)
    joined, direction, _ = support(votes, np.array([0]), np.array([1]))
    assert (joined.tolist(), direction.tolist()) == ([0.0], [0.0])


@given(
    labels=st.lists(st.integers(0, 6), min_size=4, max_size=60),
    seed=st.integers(0, 1000),
    fraction=st.sampled_from([0.5, 0.3, 0.8]),
)
def test_every_resample_keeps_its_share_of_every_stratum(labels, seed, fraction):
    strata = np.unique(labels, return_inverse=True)[1]
    members = plan_subsamples(len(strata), 6, fraction=fraction, seed=seed, strata=strata)
    for member in members:
        assert len(set(member.rows.tolist())) == max(int(len(strata) * fraction), 1)
        kept = np.bincount(strata[member.rows], minlength=strata.max() + 1)
        assert (np.abs(kept - fraction * np.bincount(strata)) <= 1 + 1e-9).all()
    if fraction == 0.5:
        for one, two in zip(members[::2], members[1::2], strict=True):
            assert not set(one.rows.tolist()) & set(two.rows.tolist())
