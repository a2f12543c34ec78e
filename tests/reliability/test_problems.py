"""Small random problems for all models: what is known holds, and what should not matter does not.

A sample of what ``make chaos`` tries.
"""

from __future__ import annotations

import numpy as np
from benchmarks.reliability.problems import SMALL, behind, checked, draw
from hypothesis import given, settings
from hypothesis import strategies as st

import acyclome as ac


@settings(max_examples=10)
@given(seed=st.integers(10**6, 2 * 10**6), model=st.sampled_from(list(SMALL)), way=st.integers(0, 5))
def test_networks_keep_to_what_is_known_and_do_not_hang_on_what_should_not_matter(seed, model, way):
    assert checked(draw(seed, model), only=way).wrong == []


def test_both_searches_find_one_score_for_few_genes():
    scores = np.array([behind(seed) for seed in range(10)])
    assert np.mean(np.abs(scores[:, 0] - scores[:, 1]) < 1e-9) >= 0.9


def test_pairs_stand_once_in_the_ranking_where_edges_cost_nothing():
    rng = np.random.default_rng(5)
    X = rng.poisson(4, size=(60, 5)).astype(float)
    acted = ["gene_1"] * 8 + ["gene_2"] * 8 + [""] * 44
    options = {"model": "glm", "score": {"gamma": 0.0}, "resample": {"resamples": 0}}
    ranking = ac.learn(X, perturbation=acted, config=options, threads=1).ranking
    assert not ranking.duplicated(["source", "target"]).any()
    assert np.isfinite(ranking["rank_score"]).all()
