"""Targets found again: cosines without the candidate itself, probabilities, and weights by held-out targets."""

import numpy as np
import pytest

from acyclome.core.effects.identification import (
    ACTIVITY,
    EFFECTS,
    OWN,
    TRANSCRIPT,
    fit_of_effects,
    learn_weights,
    log_probability,
    ranks,
    thresholded,
)


def test_the_fit_is_the_cosine_over_all_other_genes():
    rng = np.random.default_rng(1)
    change, T, genes = rng.normal(size=(3, 7)), rng.normal(size=(2, 7)), np.array([4, 0])
    found = fit_of_effects(change, T, genes)
    for row, a in np.ndindex(3, 2):
        y, t = np.delete(change[row], genes[a]), np.delete(T[a], genes[a])
        assert found[row, a] == pytest.approx((y @ t) ** 2 / (y @ y) / (t @ t))


def test_a_gene_without_effects_fits_nothing():
    change = np.ones((1, 4))
    np.testing.assert_array_equal(fit_of_effects(change, np.eye(4), np.arange(4)), np.zeros((1, 4)))


def test_changes_within_two_errors_weigh_nothing():
    np.testing.assert_allclose(thresholded(np.array([-3.0, 1.9, 2.5]), np.ones(3)), [-1.0, 0.0, 0.5])


def test_without_weights_all_genes_are_as_probable():
    said = log_probability({OWN: np.arange(8.0).reshape(2, 4)}, {})
    np.testing.assert_allclose(np.exp(said), np.full((2, 4), 0.25))


def drawn(seed, own, effects):
    """Features of 60 targets among 100 genes, higher at the target by so much."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 100, 60)
    features = {OWN: rng.exponential(size=(60, 100)), EFFECTS: rng.exponential(size=(60, 100))}
    for name, more in ((OWN, own), (EFFECTS, effects)):
        features[name][np.arange(60), true] += more
    return features, true, np.arange(60) % 5


@pytest.mark.parametrize(("own", "effects"), [(5.0, 0.0), (0.0, 5.0), (3.0, 3.0)])
def test_what_finds_targets_again_gets_most_of_the_weight(own, effects):
    found = learn_weights(*drawn(2, own, effects), acts_on=TRANSCRIPT)
    weight = {OWN: 0.0, EFFECTS: 0.0} | found["weight"]
    most = max(weight.values())
    assert [weight[name] > most / 2 for name in (OWN, EFFECTS)] == [own > 0, effects > 0]
    assert found["chosen"]["reciprocal_rank"] >= found["largest change"]["reciprocal_rank"]
    assert abs(found["chosen"]["probability"] - found["chosen"]["right"]) < 0.15


@pytest.mark.parametrize("seed", range(5))
def test_noise_gets_no_weight_and_no_skill(seed):
    found = learn_weights(*drawn(seed, 0.0, 0.0), acts_on=ACTIVITY)
    assert found["weight"].get(EFFECTS, 0.0) < 0.2
    assert found["chosen"]["probability"] < 0.05


def test_ties_share_a_rank():
    assert ranks(np.zeros((1, 9)), np.array([3])) == {"first": 0.0, "first_five": 1.0, "reciprocal_rank": 0.2}
