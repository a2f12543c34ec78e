"""Facts about saturating kinetics: responses saturate, repressors lower, activity noise joins siblings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.evaluate.kinetics import KINETIC_NOISES, Hill, hill
from acyclome.evaluate.simulate import simulate


@given(st.floats(0.01, 100.0), st.floats(0.2, 8.0))
def test_responses_rise_and_saturate(half, cooperativity):
    found = hill(half * np.logspace(-6, 6, 200), half, cooperativity)
    assert (np.diff(found) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert hill(np.array([half]), half, cooperativity) == pytest.approx(0.5)


def test_a_steeper_response_tells_on_from_off():
    levels = np.array([0.5, 2.0])
    gentle, steep = (np.diff(hill(levels, 1.0, c))[0] for c in (1.0, 4.0))
    assert steep > 2 * gentle


@pytest.mark.parametrize("noise", sorted(KINETIC_NOISES))
def test_activators_raise_and_repressors_lower_their_targets(noise):
    s = simulate(60, 2000, degree=0.8, mechanism=Hill(noise=noise), seed=1)
    n_parents = np.bincount(s.target, minlength=60)
    alone = n_parents[s.target] == 1
    found = [np.corrcoef(s.X[:, a], s.X[:, b])[0, 1] for a, b in zip(s.source[alone], s.target[alone], strict=True)]
    assert alone.sum() > 10
    assert (np.sign(found) == np.sign(s.weight[alone])).all()


def test_targets_never_exceed_what_their_regulators_can_produce():
    s = simulate(40, 500, mechanism=Hill(), parent_share=(0.999, 0.999), seed=2)
    ceiling = np.log(np.bincount(s.target, np.abs(s.weight), minlength=40)[np.unique(s.target)])
    assert (np.median(s.X[:, np.unique(s.target)], axis=0) < ceiling).all()


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_parents_explain_their_share_of_log_expression(share):
    s = simulate(40, 4000, degree=0.8, mechanism=Hill(), parent_share=(share, share), seed=3)
    for j in np.unique(s.target):
        noise = s.noise_scale[j] ** 2
        assert 1 - noise / s.X[:, j].var() == pytest.approx(share, abs=0.05)


def test_additive_noise_varies_as_the_mean():
    """``x = P + q sqrt(P) z``: the squared deviations of one target, over P, are the same at low and at high P."""
    s = simulate(2, 20_000, degree=1.0, mechanism=Hill(noise="additive"), parent_share=(0.9, 0.9), seed=4)
    regulator, weight = s.X[:, s.source[0]], s.weight[0]
    response = hill(np.exp(regulator), np.exp(np.median(regulator)), 2.0)
    P = abs(weight) * (response if weight > 0 else 1 - response)
    x = np.exp(s.X[:, s.target[0]])
    low = np.median(P) > P
    squares = (x - P) ** 2 / P
    assert squares[low].mean() == pytest.approx(squares[~low].mean(), rel=0.08)
    assert squares.mean() == pytest.approx(s.noise_scale[s.target[0]] ** 2, rel=0.05)


def joined(activity_noise):
    """Return the mean absolute correlation of siblings, given any smooth curve of their regulator's expression."""
    found = []
    for seed in range(4):
        s = simulate(30, 2000, graph="hub", degree=1.0, mechanism=Hill(activity_noise=activity_noise), seed=seed)
        for cause in np.unique(s.source):
            own = s.target[s.source == cause]
            design = np.vander((s.X[:, cause] - s.X[:, cause].mean()) / s.X[:, cause].std(), 6)
            rest = s.X[:, own] - design @ np.linalg.lstsq(design, s.X[:, own], rcond=None)[0]
            pairs = np.triu_indices(own.size, 1)
            found += np.abs(np.corrcoef(rest.T).reshape(own.size, own.size)[pairs]).tolist()
    return np.mean(found)


def test_noise_between_expression_and_activity_joins_siblings():
    assert joined(0.0) < 0.05
    assert joined(1.0) > 0.2


def test_the_graph_is_that_of_the_seed_and_the_seed_fixes_the_data():
    kinetic, again = (simulate(50, 40, mechanism=Hill(), seed=5) for _ in range(2))
    np.testing.assert_array_equal(kinetic.X, again.X)
    plain = simulate(50, 40, seed=5)
    np.testing.assert_array_equal(plain.source, kinetic.source)
    np.testing.assert_array_equal(np.sign(plain.weight), np.sign(kinetic.weight))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"activity_noise": -0.1}, "activity_noise is -0.1"),
        ({"cooperativity": 0.0}, "cooperativity is 0.0"),
        ({"noise": "loud"}, "multiplicative, additive"),
    ],
)
def test_kinetics_that_cannot_be_drawn_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Hill(**options)


def test_kinetics_size_their_noise_by_the_share_of_parents():
    with pytest.raises(ValueError, match="parent_share is None"):
        simulate(10, 20, mechanism=Hill(), parent_share=None)
