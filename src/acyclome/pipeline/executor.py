"""The same work, cut into the same parts, on one thread or many, or on the workers of Dask.

A part never knows how many workers there are, nor where, so neither do the bits. A part whose worker dies is computed
again by another. Threads and Dask are both met as executors of ``concurrent.futures``, so one loop serves both; joblib
has that loop too, but wants the cluster as a default of the process and hides which error ended a worker.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from acyclome.core.relaxation.partitioned import Workers
from acyclome.core.workers import one_blas_thread
from acyclome.errors import MemoryLimitError
from acyclome.io.atomic import temporary_folder, write_bytes
from acyclome.pipeline.clusters import dask_client

Part = TypeVar("Part")
Result = TypeVar("Result")


def run_parts(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    name: str,
    threads: int,
    finished: Callable[[int], None],
    keep: Callable[[Part, Result], None] = lambda *_: None,
    dask: str | None = None,
    folder: Path | None = None,
) -> list[Result]:
    """Call ``work`` for every part and return the results in the order of the parts.

    Each time a part is finished, ``keep`` is given it and its result, and ``finished`` the number of those that are.
    ``dask`` is None for threads of this process, ``local`` for as many Dask processes on this machine, or the address
    of a cluster, whose dashboard shows the parts under ``name``. Work, parts and results then lie as files in
    ``folder``, which the workers have to see.
    """
    if not parts or (dask is None and (threads <= 1 or len(parts) == 1)):  # a pool for one part only costs its start
        results = []
        for number, part in enumerate(parts, start=1):
            results.append(work(part))
            keep(part, results[-1])
            finished(number)
        return results
    filed = None if dask is None else name
    with _executor(dask, threads) as pool, _numbered(work, parts, name=filed, folder=folder) as numbered:
        futures = [pool.submit(numbered, number) for number in range(len(parts))]
        number_of = {future: number for number, future in enumerate(futures)}
        found: dict[int, Result] = {}
        try:
            for future in as_completed(futures):
                number = number_of[future]
                found[number] = numbered.take(future.result())
                keep(parts[number], found[number])
                finished(len(found))
            return [found[number] for number in range(len(parts))]
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
def _numbered(
    work: Callable[[Part], Result], parts: Sequence[Part], *, name: str | None, folder: Path | None
) -> Iterator[_Held[Part, Result] | _Filed]:
    """Give what does a part by its number: from memory, or with a name from files, removed at the end."""
    if name is None:
        yield _Held(work, parts)
        return
    with temporary_folder(folder, "parts.") as shared:
        filed = _Filed(name, shared.resolve())
        _write(filed.folder / "work", work)
        for number, part in enumerate(parts):
            _write(filed.folder / f"{number}.part", part)
        yield filed


@dataclass(frozen=True)
class _Held(Generic[Part, Result]):
    work: Callable[[Part], Result]
    parts: Sequence[Part]

    def __call__(self, number: int) -> Result:
        with one_blas_thread():
            return self.work(self.parts[number])

    def take(self, result: Any) -> Result:
        return cast(Result, result)


@dataclass(frozen=True)
class _Filed:
    """Through the scheduler go a number and paths, never what a part holds or what is found: that may be large."""

    name: str
    folder: Path

    @property
    def __name__(self) -> str:  # after which the dashboard calls the tasks
        return self.name

    def __call__(self, number: int) -> Path:
        work, part = _read(self.folder / "work"), _read(self.folder / f"{number}.part")
        path = self.folder / f"{number}.found"
        with one_blas_thread():
            _write(path, work(part))
        return path

    def take(self, path: Any) -> Any:
        return _read(path)


def _write(path: Path, content: Any) -> None:
    write_bytes(path, pickle.dumps(content, protocol=5))


def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes())


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
        temporary_folder(folder, "parts.") as shared,
    ):
        yield _DaskWorkers(client, shared.resolve())


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
            _write(path, part)
        return list(self.client.map(_read, paths, pure=False))

    def each(self, work: Callable[..., Any], handles: Sequence[Any], arguments: Sequence[tuple]) -> list[Any]:
        submit = partial(self.client.submit, _Step(work), pure=False)
        with _lost_workers():
            tasks = [submit(part, *given) for part, given in zip(handles, arguments, strict=True)]
            return list(self.client.gather(tasks))


@dataclass(frozen=True)
class _Step:
    """A step on a part of the relaxation, which the dashboard shows under its stage."""

    work: Callable[..., Any]

    @property
    def __name__(self) -> str:
        return "fit"

    def __call__(self, *given: Any) -> Any:
        with one_blas_thread():
            return self.work(*given)


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
