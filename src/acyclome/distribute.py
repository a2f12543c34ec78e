"""Run plans: the same work, in the same pieces, on one thread or many.

A piece never knows how many workers there are, so neither do the bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from acyclome.core.workers import one_blas_thread

Piece = TypeVar("Piece")
Result = TypeVar("Result")


def usable_threads() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_pieces(
    work: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int, finished: Callable[[int], None]
) -> list[Result]:
    """Call ``work`` for every piece and return the results in the order of the pieces.

    Parameters
    ----------
    finished
        Called with the number of finished pieces each time one is.
    """
    if threads <= 1 or len(pieces) <= 1:
        results = []
        for number, piece in enumerate(pieces, start=1):
            results.append(work(piece))
            finished(number)
        return results
    with one_blas_thread():
        return _run_threaded(work, pieces, threads, finished)


def _run_threaded(
    work: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int, finished: Callable[[int], None]
) -> list[Result]:
    pool = ThreadPoolExecutor(threads)
    try:
        futures = [pool.submit(work, piece) for piece in pieces]
        for number, future in enumerate(as_completed(futures), start=1):
            future.result()
            finished(number)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)  # after Ctrl-C or an error the pieces that wait would still be computed
