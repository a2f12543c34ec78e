"""Disks fail and processes are ended: folders stay whole, it is said in a screen, and runs go on to the same bits.

A sample of what ``make chaos`` tries: each kind of call of the system once, and each signal.
"""

from __future__ import annotations

import signal

import numpy as np
import pytest
from benchmarks.reliability.faults import disturbed, faults_of, steps_of
from benchmarks.reliability.sandbox import Sandbox, compiler
from benchmarks.reliability.ways import RUN, WAYS, draw_input

pytestmark = pytest.mark.skipif(compiler() is None, reason="without a C compiler no call of the system can be stopped")
KINDS = ("open", "write", "fsync", "rename")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    draw_input(folder / "x.h5ad")
    with Sandbox(folder) as box:
        box.warm(RUN, folder / "x.h5ad", folder / "warm")
        yield box


@pytest.fixture(scope="module")
def step(sandbox):
    """Return an undisturbed run, with all calls that change its folder."""
    return steps_of(WAYS[0], sandbox, sandbox.folder / "x.h5ad", sandbox.folder / "run")[0]


def sample(step, wanted):
    """Draw one of the faults that will do."""
    found = [fault for fault in faults_of(step) if wanted(fault, step.calls[fault.at - 1][0])]
    return found[np.random.default_rng([11, len(found)]).integers(len(found))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_of_the_system_that_fails_leaves_a_folder_from_which_the_run_goes_on(kind, sandbox, step):
    fault = sample(step, lambda fault, called: called == kind and not fault.signal)
    outcome, wrong = disturbed(step, fault, sandbox)
    assert wrong == [], (fault, outcome)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_goes_on_to_the_same_bits(number, sandbox, step):
    fault = sample(step, lambda fault, _: fault.signal == number)
    outcome, wrong = disturbed(step, fault, sandbox)
    assert wrong == [], (fault, outcome)
