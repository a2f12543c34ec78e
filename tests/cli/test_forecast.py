"""What is left of a run, by its plan and by how fast it goes."""

import pytest

from acyclome.cli.forecast import MOST_BEFORE_END, Forecast

PLAN = {"screen": 10.0, "order": 30.0, "resample": 60.0}


def test_before_anything_has_passed_the_plan_is_what_is_left():
    forecast = Forecast(PLAN)
    assert (forecast.share, forecast.left(0.0)) == (0.0, 100.0)


def test_a_run_that_goes_as_planned_has_the_rest_of_the_plan_left():
    forecast = Forecast(PLAN)
    forecast.note("screen", 1.0 - 1e-12)
    forecast.note("order", 0.5)
    assert forecast.share == pytest.approx(0.25)
    assert forecast.left(25.0) == pytest.approx(75.0)


@pytest.mark.parametrize("pace", [0.2, 3.0])
def test_the_pace_that_is_seen_takes_the_place_of_the_one_that_was_planned(pace):
    forecast, errors = Forecast(PLAN), []
    forecast.note("screen", 0.0)
    forecast.note("screen", 1.0)
    for done in (0.0, 0.5, 1.0):
        forecast.note("order", done)
        passed = 10.0 + 30.0 * done
        errors.append(abs(forecast.left(pace * passed) / (pace * (100.0 - passed)) - 1.0))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < abs(1.0 / pace - 1.0) / 4


def test_stages_that_were_kept_or_are_not_run_count_for_nothing():
    forecast = Forecast({"choose": 50.0, **PLAN})
    forecast.note("screen", 1.0)  # kept
    forecast.note("order", 0.0)
    assert forecast.share == 0.0
    assert forecast.left(0.0) == 90.0
    forecast.note("order", 1.0)
    assert forecast.share == pytest.approx(1 / 3)


def test_stages_beside_the_plan_change_nothing_and_the_end_is_not_told_too_early():
    forecast = Forecast(PLAN)
    for stage in PLAN:
        forecast.note(stage, 0.0)
        forecast.note(stage, 1.0)
    forecast.note("validation", 0.5)
    assert forecast.share == MOST_BEFORE_END
    assert forecast.left(100.0) == 0.0


def test_of_several_networks_each_counts_alike():
    forecast = Forecast(PLAN, 2, 4)
    forecast.note("screen", 0.0)
    forecast.note("screen", 1.0)
    forecast.note("order", 1.0 / 3.0)
    assert forecast.share == pytest.approx((1 + 0.2) / 4)
    assert forecast.left(20.0) == pytest.approx(80.0 + 200.0)


def test_a_plan_of_nothing_is_no_fault():
    assert (Forecast({}).share, Forecast({"fit": 0.0}).left(3.0)) == (0.0, 0.0)
