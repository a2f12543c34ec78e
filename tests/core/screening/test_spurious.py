"""Correlations of skewed genes: what chance gives them, and what an edge has to bring beyond it."""

import numpy as np
import pytest

from acyclome.core.screening.spurious import are_spurious, edge_cost, is_spurious

N, D = 2000, 300
LEAST = edge_cost(N, D)


def tail(r, m):
    """Minus log of the chance of a correlation of at least ``r``, by the Poisson law of the same third cumulant."""
    return N / m**2 * ((1 + m * r) * np.log1p(m * r) - m * r)


def test_of_many_pairs_without_cause_a_gene_has_one_worth_an_edge_no_more_often_than_one_of_few():
    for d in (10, 1000, 100_000):
        assert d * np.exp(-edge_cost(N, d)) == pytest.approx(N**-0.5)


def test_a_correlation_worth_an_edge_in_the_gaussian_light_is_judged_by_the_poisson_tail_within_a_twelfth():
    for m in np.geomspace(0.01, 100.0, 60):
        for r in np.linspace(np.sqrt(2.0 * LEAST / N) * 1.0001, 0.9, 60):
            if not is_spurious(r, m, N, LEAST):
                assert tail(r, m) > LEAST * (1 - 1 / 12)  # u / 3 of it where u = m r is small, u below a quarter
            else:
                assert tail(r, m) < LEAST


@pytest.mark.parametrize("m", [-3.0, 0.0, 0.1])
def test_genes_that_are_not_skewed_the_same_way_are_left_to_the_gaussian_light(m):
    assert not any(is_spurious(r, m, N, LEAST) for r in np.linspace(0.0, 0.9, 40) if m * r < 0.1)


def test_rare_genes_without_cause_hardly_ever_share_more_cells_than_chance_allows(lab):
    rng = np.random.default_rng(71)
    X = (rng.random((N, D)) < rng.uniform(0.004, 0.02, D)).astype(float)
    moments = lab.moments_of(X)
    source, target = (ends.ravel() for ends in np.nonzero(np.triu(np.ones((D, D)), 1)))
    worth = N / 2 * moments.pairs(source, target).astype(float) ** 2 > LEAST
    left = worth & ~are_spurious(moments, source, target)
    assert worth.sum() > 100
    assert left.sum() <= D * N**-0.5 + 3
