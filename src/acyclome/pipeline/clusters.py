"""The cluster that ``--dask`` names: processes of this machine, jobs of SLURM, or a scheduler that runs already."""

from __future__ import annotations

import gc
import logging
import math
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from acyclome.errors import InputError
from acyclome.pipeline.task import Runtime

ANSWER_SECONDS = 10  # a scheduler that is there answers at once; a wrong address should be told while the user waits
QUIET = "import logging; logging.getLogger('distributed').setLevel(logging.CRITICAL)"  # run by each worker started here
TOLD_SECONDS = 60  # between words on a queue in which jobs wait
EXAMPLE = """
jobqueue:
  slurm: {queue: PARTITION, cores: 4, processes: 4, memory: 16GB, walltime: "02:00:00"}
distributed:
  adaptive: {minimum: 4, maximum: 16}"""  # workers: of one job, and of four

logger = logging.getLogger(__name__)


@contextmanager
def whole_run(runtime: Runtime) -> Iterator[Runtime]:
    """Give a runtime whose Dask is ``local`` or an address: jobs of SLURM wait in a queue once, not in every stage.

    ``slurm`` takes dask-jobqueue's own keys from where Dask looks for its configuration; the name of a YAML file takes
    them from there.  They end with the block.

    Raises
    ------
    InputError
        If the file or its keys are not there, or SLURM refuses the jobs.
    """
    asked = runtime.dask
    if asked is None or not (asked == "slurm" or asked.endswith((".yaml", ".yml"))):
        yield runtime
        return
    with ExitStack() as stack:
        try:
            import dask
            from dask_jobqueue import SLURMCluster
        except ImportError as error:
            msg = (
                'Jobs of SLURM are asked for (--dask) without dask-jobqueue. Install it: pip install "acyclome[slurm]"'
            )
            raise InputError(msg) from error
        keys = {} if asked == "slurm" else _keys(Path(asked))
        stack.enter_context(dask.config.set(dask.config.merge(dask.config.config, keys)))  # set alone drops siblings
        least, most = _limits(dask.config.get)
        with _said(asked):
            cluster = stack.enter_context(SLURMCluster())
            _try_job(cluster.job_script())
        cluster.adapt(minimum=least, maximum=most)  # which also brings back workers that died or came to their end
        yield replace(runtime, dask=cluster.scheduler_address)


def _keys(path: Path) -> Mapping[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        keys = YAML(typ="safe").load(path)
    except (OSError, YAMLError) as error:
        msg = f"--dask {path}: {error}. Expected a YAML file with the keys of dask-jobqueue, such as:{EXAMPLE}"
        raise InputError(msg) from error
    if not isinstance(keys, dict) or not isinstance(keys.get("jobqueue"), dict):
        msg = f"--dask {path}: found no key jobqueue. Expected the keys of dask-jobqueue, such as:{EXAMPLE}"
        raise InputError(msg)
    return keys


def _limits(get: Callable[..., Any]) -> tuple[int, int]:
    """Return how many workers there are at least, which is one, and at most: Dask's own limit is none."""
    least, most = get("distributed.adaptive.minimum"), get("distributed.adaptive.maximum")
    if not isinstance(most, int) or not isinstance(least, int) or math.isinf(most) or most < max(least, 1):
        msg = (
            f"Found distributed.adaptive.minimum {least!r} and maximum {most!r}. Expected how many workers there are "
            f"to be, in the file of --dask or where Dask looks for its configuration, such as:{EXAMPLE}"
        )
        raise InputError(msg)
    return max(least, 1), most


def _try_job(script: str) -> None:
    """Have SLURM look at a job without taking it: what it refuses later, Dask would only try again and again."""
    done = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)


@contextmanager
def _said(asked: str) -> Iterator[None]:
    """Say on one screen what dask-jobqueue or SLURM did not take."""
    try:
        yield
    except (ValueError, TypeError, RuntimeError, OSError) as error:
        msg = f"--dask {asked}: no jobs of SLURM: {str(error).strip()[:600]}\nExpected keys such as:{EXAMPLE}"
        raise InputError(msg) from error


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
                "`dask scheduler` prints, such as tcp://node1:8786; local for workers on this machine; slurm, or a "
                "YAML file with the keys of dask-jobqueue, for jobs of SLURM."
            )
            raise InputError(msg) from error
        stack.enter_context(client)
        with _quiet_where_it_fails(stack):
            _await_first(client)
            yield client


def _await_first(client: Any) -> None:
    """Wait until there is a worker: work is cut for those that there are."""
    while True:
        try:
            client.wait_for_workers(1, timeout=TOLD_SECONDS)
        except TimeoutError:
            logger.warning("The scheduler of Dask has no worker yet; where they are jobs, see their queue.")
        else:
            return


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
