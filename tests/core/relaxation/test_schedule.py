"""How the constraint is tightened: what the next stage takes over from the one that ended."""

import pytest

from acyclome.core.relaxation.schedule import AugmentedLagrangian, CentralPath, Weights

LAGRANGIAN = AugmentedLagrangian(1.0, 10.0, 1e16, 0.25, 1e-8, 100, 50, 1e-4, 8)
PATH = CentralPath((1.0, 0.1, 0.01), 50, 1e-4, 8)


@pytest.mark.parametrize("h", [0.2, 0.05])
def test_the_multiplier_takes_over_the_slope_at_which_the_stage_ended(h):
    now = Weights(1.0, 0.3, 40.0, 5, 1.0)
    following = LAGRANGIAN.tighten(now, h)
    assert following.multiplier(0.0) == pytest.approx(
        now.multiplier(h)
    )  # so that a stationary point with h = 0 stays one
    assert (following.rho, following.h, following.stage) == (now.rho, h, 6)


def test_where_h_hardly_falls_its_square_weighs_more_and_the_multiplier_waits():
    now = Weights(1.0, 0.3, 40.0, 5, 0.4)
    following = LAGRANGIAN.tighten(now, 0.2)
    assert (following.alpha, following.rho, following.h) == (now.alpha, 400.0, now.h)


def test_a_path_takes_every_mu_in_turn_whatever_h_is():
    now, seen = PATH.start(), []
    while now is not None:
        seen.append(now.mu)
        assert now.multiplier(3.0) == 1.0
        now = PATH.tighten(now, 7.0)
    assert tuple(seen) == PATH.mu
