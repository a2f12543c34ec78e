"""Edges compared between groups: honest p-values, known answers, threads."""

import numpy as np
import pytest

from acyclome.core.data.interventions import Interventions
from acyclome.core.effects.contrasts import contrasts


def draw(seed, genes=200, n=(60, 90), noise=(1.0, 3.0)):
    """Every even gene acts on the next, equally in both groups, with noise that differs between them."""
    rng = np.random.default_rng([90, seed])
    group = np.repeat(np.arange(len(n)), n)
    Z = rng.standard_normal((2 * genes, len(group)))
    Z[1::2] *= np.array(noise)[group]
    Z[1::2] += 0.7 * Z[::2]
    rows = [np.flatnonzero(group == g) for g in range(len(n))]
    return Z, rows, np.arange(0, 2 * genes, 2), np.arange(1, 2 * genes, 2)


def nothing_done(Z):
    return Interventions.none(n_obs=Z.shape[1], n_genes=len(Z))


@pytest.mark.parametrize("seed", range(3))
def test_p_is_uniform_where_nothing_differs_but_the_noise(seed):
    Z, rows, source, target = draw(seed)
    p = contrasts(Z, rows, source=source, target=target, interventions=nothing_done(Z)).p
    for level in (0.05, 0.2, 0.5):
        share = np.mean(p <= level)
        assert abs(share - level) < 4 * np.sqrt(level * (1 - level) / len(p))


def test_slopes_are_those_of_least_squares_and_a_difference_is_found():
    Z, rows, source, target = draw(5)
    Z[target[0], rows[1]] -= 2.0 * Z[source[0], rows[1]]
    found = contrasts(Z, rows, source=source, target=target, interventions=nothing_done(Z))
    for g, own in enumerate(rows):
        np.testing.assert_allclose(found.weight[0, g], np.polyfit(Z[source[0], own], Z[target[0], own], 1)[0])
    assert found.p[0] == found.p.min() < 1e-4


def test_three_groups_are_compared_at_once():
    Z, rows, source, target = draw(6, n=(80, 80, 80), noise=(1.0, 1.0, 1.0))
    Z[target[3], rows[2]] += 1.5 * Z[source[3], rows[2]]
    found = contrasts(Z, rows, source=source, target=target, interventions=nothing_done(Z))
    assert found.weight.shape == (200, 3)
    assert found.p[3] < 1e-6
    assert np.mean(np.delete(found.p, 3) < 0.05) < 0.12


def test_observations_in_which_a_gene_was_a_target_do_not_count_for_it():
    Z, rows, source, target = draw(7, genes=5)
    acted = rows[0][:20]
    Z[target[2], acted] = 50.0
    targets = Interventions.from_pairs(np.full(20, target[2]), acted, n_genes=len(Z), n_obs=Z.shape[1])
    found = contrasts(Z, rows, source=source, target=target, interventions=targets)
    own = rows[0][20:]
    np.testing.assert_allclose(found.weight[2, 0], np.polyfit(Z[source[2], own], Z[target[2], own], 1)[0])


def test_a_group_too_small_for_a_gene_says_nothing():
    Z, rows, source, target = draw(8, genes=3)
    found = contrasts(Z, [rows[0], rows[1][:2]], source=source, target=target, interventions=nothing_done(Z))
    assert np.isnan(found.weight[:, 1]).all()
    np.testing.assert_array_equal(found.p, 1.0)


def test_threads_do_not_change_a_bit():
    Z, rows, source, target = draw(9)
    one, three = (
        contrasts(Z, rows, source=source, target=target, interventions=nothing_done(Z), threads=threads)
        for threads in (1, 3)
    )
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)
