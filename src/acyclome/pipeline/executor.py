"""Run plans: the same work, in the same pieces, on one thread or many, or on the workers of Dask.

A piece never knows how many workers there are, nor where, so neither do the bits. A piece whose worker dies is computed
again by another.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from acyclome.core.relaxation.relax import Deal
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError, MemoryLimitError
from acyclome.io.atomic import temporary_name
from acyclome.models.linear.partitioned import Parted, deal_out
from acyclome.models.linear.relaxation import Linear, LinearStatistics

Piece = TypeVar("Piece")
Result = TypeVar("Result")
ANSWER_SECONDS = 10


def usable_threads() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_pieces(
    work: Callable[[Piece], Result],
    pieces: Sequence[Piece],
    threads: int,
    finished: Callable[[int], None],
    dask: str | None = None,
) -> list[Result]:
    """Call ``work`` for every piece and return the results in the order of the pieces.

    Parameters
    ----------
    finished
        Called with the number of finished pieces each time one is.
    dask
        None: threads of this process. ``local``: a Dask cluster of ``threads`` processes on this machine, for this
        call. Anything else: the address of a cluster that is there. Work and pieces then travel, so they have to be
        small: names of files rather than what is in them.

    Raises
    ------
    InputError
        If Dask is not installed, or nobody answers at the address.
    MemoryLimitError
        If one piece ends worker after worker.
    """
    if dask is not None and pieces:
        with dask_client(dask, threads) as client:
            return _run_on_dask(client, work, pieces, finished)
    if threads <= 1 or len(pieces) <= 1:
        results = []
        for number, piece in enumerate(pieces, start=1):
            results.append(work(piece))
            finished(number)
        return results
    with one_blas_thread():
        return _run_threaded(work, pieces, threads, finished)


@contextmanager
def dask_client(address: str, threads: int) -> Iterator[Any]:
    """Give a client of a cluster, started here for ``local`` and closed at the end, else joined and left running.

    Raises
    ------
    InputError
        If Dask is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        msg = 'Dask is asked for (--dask) and not installed. Install it: pip install "acyclome[dask]"'
        raise InputError(msg) from error
    with ExitStack() as stack:
        if address == "local":
            cluster = LocalCluster(n_workers=threads, threads_per_worker=1, dashboard_address=None, memory_limit=0)
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
        yield stack.enter_context(client)


@contextmanager
def dealing(address: str | None, threads: int, folder: Path | None) -> Iterator[Deal | None]:
    """Give what deals the genes of the relaxation out to the workers of Dask; None where there are none.

    Every step goes to all parts, and comes back exactly as if there were one (engine of the package: given the weights
    of ``h``, each gene is a problem of its own). The parts lie as files in `folder`, which the workers have to see; a
    part whose worker dies is read again by another.
    """
    if address is None:
        yield None
        return
    with (
        dask_client(address, threads) as client,
        TemporaryDirectory(dir=folder, prefix=temporary_name("parts.")) as shared,
    ):

        def deal(sem: Linear, statistics: LinearStatistics) -> tuple[Parted, list[Any]]:
            parts, cuts = deal_out(statistics, max(len(client.nthreads()), 1))
            paths = [Path(shared).resolve() / f"{number}.pickle" for number in range(len(parts))]
            for path, part in zip(paths, parts, strict=True):
                path.write_bytes(pickle.dumps(part, protocol=5))
            return Parted(sem, cuts, partial(_send, client)), client.map(_read_part, paths, pure=False)

        yield deal


def _read_part(path: Path) -> LinearStatistics:
    part: LinearStatistics = pickle.loads(path.read_bytes())
    return part


def _send(client: Any, work: Callable[..., Any], parts: Sequence[Any], arguments: Sequence[tuple]) -> list[Any]:
    with _lost_workers():
        return client.gather(
            [
                client.submit(_on_one_thread, work, part, *given, pure=False)
                for part, given in zip(parts, arguments, strict=True)
            ]
        )


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
            "A piece of work ended one Dask worker after another; most often a worker has too little memory. Give "
            "workers more, or cut smaller pieces (--shards, --shard-memory)."
        )
        raise MemoryLimitError(msg) from error


def _run_on_dask(
    client: Any, work: Callable[[Piece], Result], pieces: Sequence[Piece], finished: Callable[[int], None]
) -> list[Result]:
    from distributed import as_completed

    futures = client.map(partial(_on_one_thread, work), pieces, pure=False)
    try:
        with _lost_workers():
            for number, future in enumerate(as_completed(futures, loop=client.loop), start=1):
                future.result()
                finished(number)
            return client.gather(futures)
    finally:
        client.cancel(futures)  # after an error the pieces that wait would still be computed


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
