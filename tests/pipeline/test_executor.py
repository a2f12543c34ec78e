"""Parts of work: order, progress, errors, and the one BLAS thread under which all of them run."""

import threading

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from acyclome.core.workers import run_blocks
from acyclome.pipeline.executor import run_parts


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def ignore(_):
    pass


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_results_come_in_the_order_of_the_parts(threads):
    assert run_parts(lambda k: k * k, range(10), name="part", threads=threads, finished=ignore) == [
        k * k for k in range(10)
    ]


@pytest.mark.parametrize("threads", [1, 3])
def test_progress_counts_every_part_once(threads):
    told = []
    run_parts(lambda k: k, range(5), name="part", threads=threads, finished=told.append)
    assert told == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_part_reaches_the_caller(threads):
    with pytest.raises(ZeroDivisionError):
        run_parts(lambda k: 1 // k, [1, 0, 2], name="part", threads=threads, finished=ignore)


def test_a_part_that_ends_does_not_give_blas_threads_to_one_that_runs():
    inside, may_leave = threading.Event(), threading.Event()

    def part(number):
        if number == 1:
            run_blocks(lambda: inside.wait(10), [()], 1)
            may_leave.set()
            return {1}
        return run_blocks(lambda: (inside.set(), may_leave.wait(10), blas_threads())[-1], [()], 1)[0]

    with threadpool_limits(2):
        assert run_parts(part, [0, 1], name="part", threads=2, finished=ignore) == [{1}, {1}]
        assert blas_threads() == {2}
