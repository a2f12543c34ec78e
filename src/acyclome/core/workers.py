"""Run a function over fixed blocks on threads; what is computed never depends on how many there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock, local
from typing import Any

_lock = Lock()
_inside: list[Any] = []
_controls: dict[int, Any] = {}  # of the libraries found loaded, by the number of modules there were then
_here = local()  # `is_worker` on the threads of a pool, which must not wait for one another
_pools: dict[int, ThreadPoolExecutor] = {}  # kept: starting two threads takes as long as a step on 1,000 genes
os.register_at_fork(after_in_child=_pools.clear)  # threads do not survive a fork


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep matrix products and factorizations on one thread each, because their bits depend on how many share them.

    The limit belongs to the process, so the first to come sets it and the last to go lifts it.  Whoever starts threads
    that need it holds it around all of them: only the thread that set it can lift it.
    """
    with _lock:
        _inside.append(_inside[0] if _inside else _libraries().limit(limits=1).__enter__())
    try:
        yield
    finally:
        with _lock:
            limits = _inside.pop()
            if not _inside:
                limits.__exit__(None, None, None)


def _libraries() -> Any:
    """Return the control of the libraries loaded so far, which come with modules.

    To look for them takes 2 ms, a hundred times as long as to set the limit; of 20 genes it was three quarters of all.
    """
    from threadpoolctl import ThreadpoolController  # here, so that what is never called in threads does without

    modules = len(sys.modules)
    if modules not in _controls:
        _controls.clear()
        _controls[modules] = ThreadpoolController()
    return _controls[modules]


def run_blocks(work: Callable[..., Any], blocks: Sequence[tuple], threads: int) -> list[Any]:
    """Call ``work(*block)`` for every block, on ``threads`` threads, and return the results in the order of the blocks.

    Matrix products inside run on one thread each, so that their bits stay the same.
    """
    with one_blas_thread():
        if threads <= 1 or len(blocks) <= 1 or getattr(_here, "is_worker", False):  # a pool that waits for itself hangs
            return [work(*block) for block in blocks]
        futures = [_pool(threads).submit(work, *block) for block in blocks]
        try:
            return [future.result() for future in futures]
        finally:
            wait(futures)  # of an error too: nobody may write to arrays that the caller has given up


def run_on_copies(work: Callable[..., Any], blocks: Sequence[tuple], copies: Sequence[Any]) -> list[Any]:
    """Call ``work(copy, *block)`` as :func:`run_blocks` does, one thread a copy, each with one that no other has."""
    idle: SimpleQueue[Any] = SimpleQueue()
    for copy in copies:
        idle.put(copy)

    def borrowing(*block: Any) -> Any:
        copy = idle.get()
        try:
            return work(copy, *block)
        finally:
            idle.put(copy)

    return run_blocks(borrowing, blocks, len(copies))


def _pool(threads: int) -> ThreadPoolExecutor:
    with _lock:
        if threads not in _pools:
            _pools[threads] = ThreadPoolExecutor(threads, initializer=lambda: setattr(_here, "is_worker", True))
        return _pools[threads]
