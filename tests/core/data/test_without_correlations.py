"""Above a size the correlations are never held: what is formed as it is needed is the same."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.directions.interventional import reversal_losses
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.order_search.search import search_order
from acyclome.core.screening import screen as screening
from acyclome.core.screening.rescreen import strongest_unexplained
from acyclome.evaluate.simulate import simulate

TOL = 2e-6
SCORE = ScoreSettings(False, 1.0, 0)
SETTINGS = screening.ScreenSettings(10, 4.0, 10, 0.05, 48)


@pytest.fixture(scope="module")
def both():
    X = simulate(150, 400, seed=21, standardised=True).X.T.astype(np.float32)
    whole = correlate(scale_genes(lambda a, b: X[a:b], 150), 1)
    return whole, replace(whole, R=None)


def test_pairs_rows_and_blocks_agree(both):
    whole, bare = both
    s, t = np.arange(149), np.arange(1, 150)
    pool = np.arange(3, 90, 7)
    np.testing.assert_allclose(whole.pairs(s, t), bare.pairs(s, t), atol=TOL)
    np.testing.assert_allclose(whole.rows(5, 30, pool), bare.rows(5, 30, pool), atol=TOL)
    np.testing.assert_allclose(whole.rows(5, 30), bare.rows(5, 30), atol=TOL)
    np.testing.assert_allclose(whole.among(pool), bare.among(pool), atol=TOL)


def test_the_same_network_comes_out_up_to_ties_of_rounding(lab, both):
    found = []
    for problem in map(lab.problem_of, both):
        candidates = screening.screen(problem, SETTINGS)
        pools = build_blocks(problem, candidates, score=SCORE)
        dag = search_order(pools, candidates, np.arange(150)[::-1].copy(), rounds=3, seed=5)
        found.append((candidates, dag))
    (c, a), (e, b) = found
    assert set(c.keys()) == set(e.keys())
    assert a.score == pytest.approx(b.score, rel=2e-3)
    pairs = [{frozenset(edge) for edge in zip(one.source.tolist(), one.target.tolist(), strict=True)} for one in (a, b)]
    assert len(pairs[0] & pairs[1]) > 0.95 * max(map(len, pairs))


def test_reversal_losses_agree(lab, both):
    whole, bare = both
    candidates = screening.screen(lab.problem_of(whole), SETTINGS)
    pools = build_blocks(lab.problem_of(whole), candidates, score=SCORE)
    dag = search_order(pools, candidates, np.arange(150), rounds=0, seed=5)
    np.testing.assert_allclose(reversal_losses(whole, dag)[0], reversal_losses(bare, dag)[0], atol=1e-2)


def test_what_is_unexplained_agrees(lab, both):
    whole, bare = map(lab.problem_of, both)
    candidates = screening.screen(whole, SETTINGS)
    few = search_order(build_blocks(whole, candidates, score=SCORE), candidates, np.arange(150), rounds=0, seed=5)
    one, two = (strongest_unexplained(problem, few, min_gain=0.0) for problem in (whole, bare))
    pairs = [{(int(i), j) for j, row in enumerate(found) for i in row if i >= 0} for found in (one, two)]
    assert len(pairs[0]) > 500
    assert len(pairs[0] & pairs[1]) > 0.99 * max(map(len, pairs))  # two may be equally strong up to rounding


def test_search_among_the_nearest_keeps_the_strong_regressors(lab, both, monkeypatch):
    """A first pick is always among the nearest; later ones nearly always are."""
    whole, bare = both
    monkeypatch.setattr(screening, "WHOLE_GENES", 10)
    monkeypatch.setattr(screening, "PRESCREEN", 60)
    near, full = (
        screening.forward_select(lab.problem_of(m), np.arange(150), steps=3, min_gain=8.0) for m in (bare, whole)
    )
    np.testing.assert_array_equal(near[:, 0], full[:, 0])
    assert np.mean(near == full) > 0.9
