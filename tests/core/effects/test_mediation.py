"""Shares of effects that no third gene explains, against their definition pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.core.effects.mediation import share_beyond

D = 30


def plainly(source, target, effect, own):
    t = {(i, k): size for i, k, size in zip(source.tolist(), target.tolist(), effect.tolist(), strict=True)}
    shares = []
    for i, k in zip(source.tolist(), target.tolist(), strict=True):
        share = 1.0
        for j in range(D):
            if own[j] != 0.0 and (i, j) in t and (j, k) in t:
                rest = t[i, k] - t[i, j] * t[j, k] / own[j]
                error = 1.0 + (t[i, j] / own[j]) ** 2 + (t[j, k] / own[j]) ** 2
                share = min(share, np.sqrt((rest**2 + error) / t[i, k] ** 2))
        shares.append(share)
    return shares


@pytest.mark.parametrize("threads", [1, 2])
def test_the_gene_that_explains_most_decides(threads):
    rng = np.random.default_rng(99)
    source, target = np.nonzero((rng.random((D, D)) < 0.3) & ~np.eye(D, dtype=bool))
    shuffled = rng.permutation(len(source))  # pairs come in any order
    source, target = source[shuffled], target[shuffled]
    effect = rng.normal(size=len(source)) * 8
    own = np.where(rng.random(D) < 0.7, -10 * rng.random(D) - 1, 0.0)
    found = share_beyond(source, target, effect, own=own, threads=threads)
    np.testing.assert_allclose(found, plainly(source, target, effect, own), rtol=1e-12)
    assert found.min() < 0.3
    assert found.max() == 1.0


def test_without_pairs_nothing_is_explained():
    none = np.empty(0, np.int64)
    assert share_beyond(none, none, np.empty(0), own=np.zeros(D), threads=1).tolist() == []


def test_a_chain_leaves_what_errors_may_and_a_loop_is_no_path():
    source, target, effect = np.array([0, 0, 1, 2]), np.array([1, 2, 2, 1]), np.array([-50.0, -40.0, -80.0, 3.0])
    own = np.array([-100.0, -100.0, 0.0] + [0.0] * (D - 3))
    left = share_beyond(source, target, effect, own=own, threads=1)
    assert left[1] == pytest.approx(np.sqrt(1 + 0.5**2 + 0.8**2) / 40)
    assert left[[0, 2, 3]].tolist() == [1.0, 1.0, 1.0]
