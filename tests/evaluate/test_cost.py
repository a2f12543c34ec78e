"""A call in a process of its own: what comes back, what it took, and what ends it."""

import time

import numpy as np
import pytest

from acyclome.errors import InputError
from acyclome.evaluate.cost import machine, measured
from acyclome.evaluate.trial import SORTS, figures, sorted_edges, trial

MEGABYTES = 64


def hold_memory():
    return float(np.ones((MEGABYTES, 2**17)).sum())


def burn():
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass


def raise_ours():
    msg = "the matrix is empty"
    raise InputError(msg)


def test_the_answer_comes_back_with_the_memory_of_the_call_alone():
    _, small = measured(lambda: 1.0)
    found, large = measured(hold_memory)
    assert found == MEGABYTES * 2**17
    assert MEGABYTES * 0.9 < large.peak_mb - small.peak_mb < MEGABYTES * 1.5
    assert set(large.row()) == {"seconds", "cpu_seconds", "peak_mb"}


def test_processor_time_and_wall_time_are_those_of_the_call():
    _, cost = measured(burn)
    assert 0.3 <= cost.cpu < 0.5
    assert cost.wall >= 0.3


def test_a_call_over_its_limit_is_ended_at_once():
    began = time.perf_counter()
    with pytest.raises(TimeoutError, match=r"ended after 0\.2 seconds"):
        measured(lambda: time.sleep(60), limit=0.2)
    assert time.perf_counter() - began < 10


def test_an_error_for_the_user_crosses_over_and_any_other_is_a_failure():
    with pytest.raises(InputError, match="the matrix is empty"):
        measured(raise_ours)
    with pytest.raises(RuntimeError, match="failed"):
        measured(lambda: {}["lost"])


def test_a_trial_tells_what_became_of_a_method():
    truth = np.array([0, 1]), np.array([1, 2])
    good = trial(lambda: truth, truth, 3, 1)
    assert good["status"] == "done"
    assert good["skeleton"] == good["class"] == good["directed"] == good["precision"] == good["recall"] == 1.0
    assert trial(lambda: time.sleep(60), truth, 3, 1, limit=0.2) == {"status": "cut at 0.2 s"}
    assert trial(lambda: {}["lost"], truth, 3, 1) == {"status": "failed"}


def test_figures_of_a_cycle_have_no_class():
    truth = np.array([0, 1]), np.array([1, 2])
    found = figures(truth, (np.array([0, 1, 2]), np.array([1, 2, 0])), 3, 1)
    assert found["recall"] == 1.0
    assert np.isnan(found["class"])
    assert not found["is_dag"]


def test_every_sorting_baseline_gives_a_dag():
    X = np.random.default_rng(81).normal(size=(200, 12))
    X[:, 1] += X[:, 0]
    for name in SORTS:
        assert trial(lambda name=name: sorted_edges(X, name, 82), (np.array([0]), np.array([1])), 12, 1)["is_dag"], name


def test_the_machine_is_one_line():
    assert "cores" in machine()
    assert "\n" not in machine()
