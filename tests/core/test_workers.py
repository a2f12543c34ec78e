"""Blocks on threads: the order of results, and the one BLAS thread that keeps bits the same."""

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from acyclome.core.workers import one_blas_thread, run_blocks


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_blocks(threads):
    assert run_blocks(lambda a, b: (a, b), [(k, k * k) for k in range(20)], threads) == [(k, k * k) for k in range(20)]


def test_an_error_in_a_block_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        run_blocks(lambda k: 1 / k, [(1,), (0,)], 2)


def test_work_in_blocks_sees_one_blas_thread_and_the_caller_gets_its_own_back():
    with threadpool_limits(2):
        assert run_blocks(lambda _: blas_threads(), [(0,), (1,)], 2) == [{1}, {1}]
        assert blas_threads() == {2}


def test_a_library_that_is_loaded_later_is_limited_too():
    code = (
        "import sys; import numpy as np\n"
        "from threadpoolctl import threadpool_info, threadpool_limits\n"
        "from acyclome.core.workers import one_blas_thread\n"
        "def blas(): return [pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas']\n"
        "with one_blas_thread(): before = blas()\n"
        "assert 'scipy' not in sys.modules\n"
        "import scipy.linalg\n"
        "threadpool_limits(2)\n"
        "with one_blas_thread(): after = blas()\n"
        "assert {*before, *after} == {1}, (before, after)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr


def test_the_limit_is_lifted_after_an_error():
    with threadpool_limits(2):
        with pytest.raises(ZeroDivisionError):
            run_blocks(lambda k: 1 / k, [(0,)], 1)
        assert blas_threads() == {2}


def test_one_who_leaves_does_not_lift_the_limit_of_another():
    inside, may_leave, seen = threading.Event(), threading.Event(), []

    def stay():
        with one_blas_thread():
            inside.set()
            may_leave.wait(10)
            seen.append(blas_threads())

    other = threading.Thread(target=stay)
    with threadpool_limits(2), one_blas_thread():
        with one_blas_thread():
            other.start()
            inside.wait(10)
        may_leave.set()
        other.join()
    assert seen == [{1}]


def test_blocks_within_blocks_do_not_wait_for_one_another():
    def outer(k):
        return sum(run_blocks(lambda i: i * k, [(i,) for i in range(10)], 2))

    assert run_blocks(outer, [(k,) for k in range(8)], 2) == [45 * k for k in range(8)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_starts_threads_of_its_own():
    blocks = [(k,) for k in range(4)]
    run_blocks(lambda k: k, blocks, 2)
    child = multiprocessing.get_context("fork").Process(target=run_blocks, args=(lambda k: k, blocks, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads, in later versions of Python
        child.start()
    child.join(30)
    assert child.exitcode == 0
