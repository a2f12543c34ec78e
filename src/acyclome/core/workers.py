"""Run a function over fixed blocks on threads; what is computed never depends on how many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from threadpoolctl import threadpool_limits


def one_blas_thread() -> threadpool_limits:
    """Return a context in which matrix products and factorizations run on one thread each, and so keep their bits.

    The limit belongs to the process.  Whoever starts threads that call :func:`run_blocks` holds it around all of them:
    of limits that overlap in time, the first to end lifts those of the others.
    """
    return threadpool_limits(1)


def run_blocks(work: Callable[..., Any], blocks: Sequence[tuple], threads: int) -> list[Any]:
    """Call ``work(*block)`` for every block, on ``threads`` threads, and return the results in the order of the blocks.

    Matrix products inside run on one thread each, so that their bits stay the same.
    """
    with one_blas_thread():
        if threads <= 1 or len(blocks) <= 1:
            return [work(*block) for block in blocks]
        with ThreadPoolExecutor(threads) as pool:
            futures = [pool.submit(work, *block) for block in blocks]
            return [future.result() for future in futures]
