"""What held-out treatments say of answers: weights, errors and intervals."""

import numpy as np
import pytest

from acyclome.core.effects.stacking import NOTHING, Profiles, stack

D = 200


def drawn(seed, treatments=12, common=0.0, strong=False):
    """Changes with an error of .1: something in common, and what each treatment does by itself, to few genes."""
    rng = np.random.default_rng([0x57AC, seed])
    size = rng.exponential(size=(treatments, 1)) if strong else np.ones((treatments, 1))
    own = size * rng.normal(size=(treatments, D)) * (rng.random((treatments, D)) < 0.2)
    error = np.full((treatments, D), 0.1)
    change = common * rng.normal(size=D) + own + error * rng.normal(size=(treatments, D))
    return Profiles(np.full(treatments, 100), change, error), own, rng


def others(change):
    return (change.sum(axis=0) - change) / (len(change) - 1)


def of(seen, fitted, counts=None):
    counts = np.ones(seen.change.shape, bool) if counts is None else counts
    return stack(seen, {"mean": others(seen.change)}, fitted=fitted, counts=counts)


def test_answers_that_know_nothing_hardly_ever_get_a_weight_and_then_cost_next_to_nothing():
    taken = []
    for seed in range(30):
        seen, own, rng = drawn(seed, treatments=30, strong=True)
        known = Profiles(*(part[:9] for part in seen))
        noise = 0.3 * rng.normal(size=own.shape)
        found = of(known, {"network": noise[:9]})
        taken.append(found.has_skill)
        answers = [found.answer({"mean": known.change.mean(axis=0), "network": one}) for one in noise[9:]]
        assert np.mean((seen.change[9:] - answers) ** 2) < 1.02 * np.mean(seen.change[9:] ** 2)
        if not found.has_skill:
            assert found.error["chosen"] == found.error[NOTHING]
            assert np.all(found.answer({}) == 0)
    assert np.mean(taken) < 0.3


def test_an_answer_that_knows_all_gets_all_the_weight():
    seen, own, _ = drawn(1)
    found = of(seen, {"network": own})
    assert found.weight["network"] == pytest.approx(1.0, abs=0.12)  # drawn towards 0 as one treatment in 13 does
    assert found.error["chosen"] == pytest.approx(0.1**2, rel=0.3)


def test_what_treatments_have_in_common_goes_in_as_it_stands_where_fitting_it_gains_nothing():
    seen, _, _ = drawn(2, common=1.0)
    found = of(seen, {})
    assert found.weight == {"mean": pytest.approx(1.0, abs=0.1)}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("common", [0.0, 0.2, 1.0])
def test_the_error_is_at_most_that_of_the_best_answer_that_is_not_fitted(seed, common):
    seen, own, rng = drawn(seed, common=common)
    found = of(seen, {"network": own * rng.uniform(-1, 1) + rng.normal(size=own.shape)})
    assert found.error["chosen"] <= min(found.error[NOTHING], found.error["mean"])


def test_weights_are_drawn_towards_the_best_answer_as_it_stands():
    for seed in range(5):
        seen, own, _ = drawn(seed, common=1.0)
        assert of(seen, {"network": own}).weight["mean"] == pytest.approx(1.0, abs=0.04)  # .9 where drawn towards 0


def test_new_treatments_of_which_each_has_a_share_of_what_is_common_are_missed_by_no_more_than_by_the_best_answer():
    above = []
    for seed in range(40):
        seen, _, rng = drawn(seed, treatments=30, strong=True)
        common = 0.2 * rng.exponential(size=(30, 1)) * rng.normal(size=D)
        known, new = seen.change[:10] + common[:10], seen.change[10:] + common[10:]
        found = of(Profiles(seen.observations[:10], known, seen.error[:10]), {})
        mean = known.mean(axis=0)
        errors = [np.mean((new - answer) ** 2) for answer in (found.answer({"mean": mean}), np.zeros(D), mean)]
        above.append(errors[0] / min(errors[1:]) - 1.0)
    assert np.mean(above) < -0.01
    assert np.mean(np.array(above) > 0.01) < 0.15


def test_targets_themselves_say_nothing():
    seen, own, _ = drawn(3)
    counts = np.random.default_rng(4).random(own.shape) < 0.9
    spoiled = seen._replace(change=np.where(counts, seen.change, 1e6))
    found = [stack(one, {"mean": own}, fitted={"network": own}, counts=counts) for one in (seen, spoiled)]
    assert found[0].weight == found[1].weight
    np.testing.assert_array_equal(found[0].reach, found[1].reach)
    np.testing.assert_array_equal(found[0].spread, found[1].spread)


@pytest.mark.parametrize("strong", [False, True])
def test_intervals_hold_as_much_of_new_treatments_as_they_say(strong):
    inside = []
    for seed in range(8):
        seen, _, _ = drawn(seed, treatments=40, common=0.3, strong=strong)
        known, new = (Profiles(*(part[at] for part in seen)) for at in (slice(0, 25), slice(25, None)))
        found = of(known, {})
        assert found.coverage == pytest.approx(0.9, abs=0.03)
        answer = found.answer({"mean": known.change.mean(axis=0)})
        width = found.half_width(0.9, spread=found.spread, error=new.error[0])
        inside.append(np.mean(np.abs(new.change - answer) <= width))
    assert 0.86 < np.mean(inside) < 0.94


def test_intervals_widen_with_the_share_they_hold():
    seen, _, _ = drawn(5)
    found = of(seen, {})
    widths = [found.half_width(share, spread=found.spread, error=seen.error[0]) for share in (0.5, 0.8, 0.9, 0.99)]
    assert np.all(np.diff(widths, axis=0) > 0)
