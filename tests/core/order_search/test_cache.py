"""The cache answers what was put in, and no search depends on what it holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.order_search import search as order
from acyclome.core.order_search.cache import hash_of, new_cache, recall, remember
from acyclome.core.order_search.search import search_order


def hash_of_set(gene, edges):
    hash_ = hash_of(-1 - gene)
    for e in edges:
        hash_ ^= hash_of(e)
    return hash_


@given(st.lists(st.integers(0, 10**7), unique=True, min_size=1, max_size=30), st.randoms())
def test_a_set_has_one_hash_in_whatever_order_it_was_built(edges, random):
    shuffled = list(edges)
    random.shuffle(shuffled)
    assert hash_of_set(3, edges) == hash_of_set(3, shuffled)
    assert hash_of_set(3, edges) != hash_of_set(3, edges[:-1])
    assert hash_of_set(3, edges) != hash_of_set(4, edges)


def test_a_score_comes_back_until_another_takes_its_place():
    cache = new_cache(2)
    hashes = [np.uint64(hash_of(i)) for i in range(200)]
    assert np.isnan(recall(cache, hashes[0]))
    for i, hash_ in enumerate(hashes):
        remember(cache, hash_, float(i))
        assert recall(cache, hash_) == float(i)
    found = [recall(cache, hash_) for hash_ in hashes]
    assert all(np.isnan(score) or score == i for i, score in enumerate(found))
    assert sum(not np.isnan(score) for score in found) <= len(cache.hash)


def test_the_search_finds_the_same_with_and_without_room_to_remember(lab, monkeypatch):
    d, n, seed = 40, 400, 5  # selections with drops: here a score taken for that of another set leads elsewhere
    blocks = lab.make_blocks(lab.draw_correlations(seed, d), lab.all_pairs(d), n)
    start = np.random.default_rng(seed).permutation(d)
    roomy = search_order(blocks, lab.all_pairs(d), start, rounds=2, seed=1)
    monkeypatch.setattr(order, "new_cache", lambda n_edges: new_cache(0))
    narrow = search_order(blocks, lab.all_pairs(d), start, rounds=2, seed=1)
    for name in ("source", "target", "weight", "order"):
        np.testing.assert_array_equal(getattr(roomy, name), getattr(narrow, name))


@pytest.mark.parametrize("n_edges", [4, 5, 1000, 1024, 10**5, 10**7])
def test_a_table_has_four_to_eight_rows_an_edge_and_16_mb_at_most(n_edges):
    cache = new_cache(n_edges)
    assert len(cache.hash) == len(cache.score)
    assert 4 * n_edges < len(cache.hash) <= 8 * n_edges or cache.hash.nbytes + cache.score.nbytes == 2**24
