"""What experiments say of pairs: plain correlations with doses, and of these what no third gene explains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from tests.core.effects.targeted import D, N, problems

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.interventions import Interventions
from acyclome.core.effects.doses import Instruments, Treatments
from acyclome.core.effects.evidence import effects_on_pairs

EVERY = Candidates.from_pairs(*np.nonzero(~np.eye(D, dtype=bool)), D)
NEVER = np.full(D, np.inf)


def own_gain(X, targets, i, j, dose):
    own = np.setdiff1d(np.arange(len(X)), targets.of(j))
    return -len(own) / 2 * np.log1p(-(np.corrcoef(dose[own], X[own, j])[0, 1] ** 2)) if dose[own].any() else 0.0


@given(problem=problems())
def test_without_doses_they_are_correlations_with_the_indicator_of_the_intervention(lab, problem):
    X, targets = problem
    m = lab.moments_of(X, interventions=targets)
    causes, least = np.array([True] * (D - 2) + [False, True]), np.full(D, 2.0)
    pairs = Candidates.from_pairs([0, 1, 5], [1, 2, 0], D)
    nobody_knows = Instruments.of(lab.problem_of(m), Treatments.none(N)).doses
    found = effects_on_pairs(lab.problem_of(m, sources=causes), nobody_knows, pairs=pairs, least=least)
    gain = np.zeros((D, D))
    for i in np.flatnonzero((targets.counts > 0) & causes):
        for j in set(range(D)) - {i}:
            gain[i, j] = own_gain(X, targets, i, j, np.isin(np.arange(N), targets.of(i)).astype(float))
    np.testing.assert_allclose(found.gain, gain[pairs.parent, pairs.target], atol=1e-7)
    gain[pairs.parent, pairs.target] = 0.0
    expected = {(i, j) for i, j in zip(*np.nonzero(gain >= 2.0), strict=True)}
    assert set(zip(found.source, found.target, strict=True)) == expected
    np.testing.assert_allclose(found.more, gain[found.source, found.target], atol=1e-7)


def two_doses(seed, weights, knocked):
    """Each of the genes ``knocked`` at -6 in 4 observations and at -3 in 4, of 400; the rest of them is untouched."""
    rng = np.random.default_rng([98, seed])
    kind = np.full(400, -1)
    kind[: 8 * len(knocked)] = np.repeat(np.arange(len(knocked)), 8)
    X = rng.standard_normal((400, D))
    for number, i in enumerate(knocked):
        X[8 * number : 8 * number + 8, i] = np.repeat([-6.0, -3.0], 4)
    for j in range(D):  # genes are in causal order
        free = np.flatnonzero(~np.isin(kind, np.flatnonzero(np.array(knocked) == j)))
        X[free, j] += X[free] @ weights[:, j]
    at = np.flatnonzero(kind >= 0)
    targets = Interventions.from_pairs(np.array(knocked)[kind[at]], at, n_genes=D, n_obs=len(X))
    return X, targets, Treatments(kind, np.array(knocked))


def gains(lab, X, targets, treatments, least):
    problem = lab.problem_of(lab.moments_of(X, interventions=targets))
    found = effects_on_pairs(problem, Instruments.of(problem, treatments).doses, pairs=EVERY, least=least)
    assert not len(found.more)
    table = np.zeros((D, D))
    table[EVERY.parent, EVERY.target] = found.gain
    return table


def test_half_a_dose_counts_half(lab):
    weights = np.zeros((D, D))
    weights[0, 3] = 0.7
    X, targets, treatments = two_doses(1, weights, [0])
    found = gains(lab, X, targets, treatments, NEVER)
    dose = np.zeros(len(X))
    dose[:8] = np.repeat([2.0, 1.0], 4)
    plain = own_gain(X, targets, 0, 3, (dose > 0).astype(float))
    assert found[0, 3] == pytest.approx(own_gain(X, targets, 0, 3, dose), rel=0.05)  # doses are measured, with errors
    assert found[0, 3] > 1.05 * plain


def test_of_an_effect_through_another_target_little_counts_and_of_one_beside_it_most(lab):
    chain, beside = np.zeros((2, D, D))
    chain[0, 1] = chain[1, 2] = beside[0, 1] = beside[0, 2] = 0.8
    least = np.full(D, 3.0)
    for weights, low, high in ((chain, 0.0, 0.5), (beside, 0.99, 1.0)):
        drawn = two_doses(2, weights, [0, 1])
        whole, left = gains(lab, *drawn, NEVER), gains(lab, *drawn, least)
        assert whole[0, 2] > 10.0
        assert low <= left[0, 2] / whole[0, 2] <= high
        assert left[0, 1] == whole[0, 1]


def test_a_gene_whose_dose_nobody_knows_explains_nothing(lab):
    chain = np.zeros((D, D))
    chain[0, 1] = chain[1, 2] = 0.8
    X, targets, treatments = two_doses(2, chain, [0, 1])
    unknown = treatments._replace(gene=np.array([0, -1]))
    assert gains(lab, X, targets, unknown, np.full(D, 3.0))[0, 2] == gains(lab, X, targets, unknown, NEVER)[0, 2] > 10.0


def test_threads_do_not_change_what_is_left(lab):
    weights = np.triu(np.full((D, D), 0.5), 1)
    X, targets, treatments = two_doses(3, weights, [0, 1, 2])
    m = lab.moments_of(X, interventions=targets)
    one, two = (
        effects_on_pairs(problem, Instruments.of(problem, treatments).doses, pairs=EVERY, least=np.full(D, 3.0))
        for problem in (lab.problem_of(m, threads=1), lab.problem_of(m, threads=2))
    )
    assert one.gain.tobytes() == two.gain.tobytes()
