"""The same work, cut into the same parts, on one thread or many, or on the workers of Dask.

A part never knows how many workers there are, nor where, so neither do the bits. A part whose worker dies is computed
again by another. Threads and Dask are both met as executors of ``concurrent.futures``, so one loop serves both; joblib
has that loop too, but wants the cluster as a default of the process and hides which error ended a worker.
"""

from __future__ import annotations

import gc
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from acyclome.core.relaxation.partitioned import Workers
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError, MemoryLimitError
from acyclome.io.atomic import temporary_name

Part = TypeVar("Part")
Result = TypeVar("Result")
ANSWER_SECONDS = 10  # a scheduler that is there answers at once; a wrong address should be told while the user waits
QUIET = "import logging; logging.getLogger('distributed').setLevel(logging.CRITICAL)"  # run by each worker started here


def run_parts(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    threads: int,
    finished: Callable[[int], None],
    keep: Callable[[Part, Result], None] = lambda *_: None,
    dask: str | None = None,
) -> list[Result]:
    """Call ``work`` for every part and return the results in the order of the parts.

    Each time a part is finished, ``keep`` is given it and its result, and ``finished`` the number of those that are.
    ``dask`` is None for threads of this process, ``local`` for as many Dask processes on this machine, or the address
    of a cluster. Work and parts then travel, so they have to be small: names of files rather than what is in them.
    """
    if not parts or (dask is None and (threads <= 1 or len(parts) == 1)):  # a pool for one part only costs its start
        results = []
        for number, part in enumerate(parts, start=1):
            results.append(work(part))
            keep(part, results[-1])
            finished(number)
        return results
    with _executor(dask, threads) as pool:
        futures = [pool.submit(_on_one_thread, work, part) for part in parts]
        part_of = dict(zip(futures, parts, strict=True))
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                keep(part_of[future], future.result())
                finished(number)
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()  # after Ctrl-C or an error the parts that wait would still be computed


@contextmanager
def _executor(dask: str | None, threads: int) -> Iterator[Executor]:
    if dask is None:
        with one_blas_thread(), ThreadPoolExecutor(threads) as pool:
            yield pool
    else:
        with dask_client(dask, threads) as client, _lost_workers():
            yield client.get_executor(pure=False)  # pure work is named by its content, which takes a hash of all of it


@contextmanager
def dask_client(address: str, threads: int) -> Iterator[Any]:
    """Give a client of a cluster, started here for ``local`` and closed at the end, else joined and left running."""
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        msg = 'Dask is asked for (--dask) and not installed. Install it: pip install "acyclome[dask]"'
        raise InputError(msg) from error
    with ExitStack() as stack:
        if address == "local":
            # Without a limit of memory: the run has checked its own, and Dask would end workers well before.
            size = {"n_workers": threads, "threads_per_worker": 1, "memory_limit": 0}
            free = {"dashboard_address": ":0", "dashboard": False}  # a port of its own: runs side by side want the same
            cluster = LocalCluster(**size, scheduler_kwargs=free, silence_logs=logging.CRITICAL, preload=[QUIET])
            stack.enter_context(cluster)
            address = cluster.scheduler_address
        try:
            client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
        except (OSError, ValueError, ImportError) as error:
            msg = (
                f"No Dask scheduler answers at {address!r} ({type(error).__name__}). --dask takes the address that "
                "`dask scheduler` prints, such as tcp://node1:8786, or local for workers on this machine."
            )
            raise InputError(msg) from error
        stack.enter_context(client)
        with _quiet_where_it_fails(stack):
            yield client


@contextmanager
def _quiet_where_it_fails(stack: ExitStack) -> Iterator[None]:
    """Close what is open without Dask's own words where work is cut short: of what waited it logs whole tracebacks."""
    try:
        yield
    except BaseException:
        loggers = [logging.getLogger(name) for name in ("asyncio", "distributed", "distributed.client")]
        before = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        try:
            stack.close()
            gc.collect()  # asyncio speaks of tasks that nobody waited for when they go
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
        raise


@contextmanager
def relaxing_workers(address: str | None, threads: int, folder: Path | None) -> Iterator[Workers | None]:
    """Give who takes parts of the relaxation among the workers of Dask; None where there are none.

    Every step goes to all parts, and comes back exactly as if there were one (given the weights of ``h``, each gene is
    a problem of its own). The parts lie as files in `folder`, which the workers have to see; a part whose worker dies
    is read again by another.
    """
    if address is None:
        yield None
        return
    with (
        dask_client(address, threads) as client,
        TemporaryDirectory(dir=folder, prefix=temporary_name("parts.")) as shared,
    ):
        yield _DaskWorkers(client, Path(shared).resolve())


@dataclass(frozen=True)
class _DaskWorkers:
    client: Any
    folder: Path

    @property
    def count(self) -> int:
        return len(self.client.nthreads())

    def scatter(self, parts: Sequence[Any]) -> list[Any]:
        paths = [self.folder / f"{number}.pickle" for number in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_bytes(pickle.dumps(part, protocol=5))
        return list(self.client.map(_read_part, paths, pure=False))

    def each(self, work: Callable[..., Any], handles: Sequence[Any], arguments: Sequence[tuple]) -> list[Any]:
        submit = partial(self.client.submit, _on_one_thread, work, pure=False)
        with _lost_workers():
            tasks = [submit(part, *given) for part, given in zip(handles, arguments, strict=True)]
            return list(self.client.gather(tasks))


def _read_part(path: Path) -> Any:
    return pickle.loads(path.read_bytes())


def _on_one_thread(work: Callable[..., Result], *given: Any) -> Result:
    with one_blas_thread():
        return work(*given)


@contextmanager
def _lost_workers() -> Iterator[None]:
    from distributed import KilledWorker

    try:
        yield
    except KilledWorker as error:
        msg = (
            "One part of the work ended one Dask worker after another; most often a worker has too little memory. Give "
            "workers more, or cut smaller parts (--shards, --shard.shard-memory)."
        )
        raise MemoryLimitError(msg) from error
