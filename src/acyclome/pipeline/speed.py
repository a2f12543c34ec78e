"""What this machine does in a second, measured once and kept for the plans of the user on it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from acyclome.config import Config
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError
from acyclome.io.atomic import ensure_writable, write_json
from acyclome.pipeline.durations import REFERENCE, Rates

GENES, OBSERVATIONS = 1000, 1000  # of the network that is learned: two seconds, beside what compiles
ROUNDS = 4  # of which the quickest counts, as others may use the machine; the first is there to compile
LARGEST = 1e300  # no rate; a whole number of hundreds of digits is no float
SIDE, LENGTH = 1024, 8192  # of a product, as tiles have them
# Processor seconds of the quickest round where the rates of reference were told from runs.
AT_REFERENCE = {"product": 0.08, "candidates": 0.038, "search": 0.58}


def rates_file() -> Path:
    """Return where the rates of this machine lie: ``ACYCLOME_SPEED``, else in the cache folder of the user."""
    named = os.environ.get("ACYCLOME_SPEED")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return Path(named) if named else cache / "acyclome/speed.json"


def known_rates() -> Rates:
    """Return the rates that were measured here, those of a core at 3 GHz if none were.

    Raises
    ------
    InputError
        If the file holds something else.
    """
    path = rates_file()
    if not path.is_file():
        return REFERENCE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    names = asdict(REFERENCE).keys()
    if not (isinstance(found, dict) and found.keys() == names and all(map(_is_rate, found.values()))):
        expected = ", ".join(asdict(REFERENCE))
        msg = (
            f"{path} is no file of measured rates; expected a positive number for each of {expected}. "
            "Measure again (acyclome doctor --speed), or remove it."
        )
        raise InputError(msg)
    return Rates(**found)


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 < value < LARGEST


def measure() -> Rates:
    """Measure the rates of one core: products of matrices, candidates, and a search to its end.

    What is not measured goes with what is like it: scores with products, passes over data with the search.
    """
    from acyclome.evaluate.simulate import simulate
    from acyclome.io.store import MemoryStore
    from acyclome.pipeline import stages
    from acyclome.pipeline.dataset import Dataset
    from acyclome.pipeline.task import Runtime, Task

    config = Config.from_mapping({"confounding": "none"})
    X = simulate(GENES, OBSERVATIONS, seed=1, standardised=True).X
    store = MemoryStore(np.ascontiguousarray(X.T), [f"G{gene}" for gene in range(GENES)])
    task = Task.begin(Dataset.build(store, config), config, Runtime(device="cpu"))
    A = np.random.default_rng(1).standard_normal((SIDE, LENGTH), dtype=np.float32)
    with one_blas_thread():
        product = _quickest(lambda: A @ A.T)
        task.moments  # noqa: B018 - candidates are measured without
        candidates = _quickest(lambda: stages.screen(task))
        screened = stages.screen(task)
        relaxed = stages.relax(task, screened)
        search = _quickest(lambda: stages.order(task, screened, relaxed))
    times = AT_REFERENCE["product"] / product, AT_REFERENCE["candidates"] / candidates, AT_REFERENCE["search"] / search
    of_products, of_candidates, of_search = times
    return Rates(
        gram=REFERENCE.gram * of_products,
        forward=REFERENCE.forward * of_candidates,
        moves=REFERENCE.moves * of_search,
        scored=REFERENCE.scored * of_products,
        values=REFERENCE.values * of_search,
    )


def keep(rates: Rates) -> Rates:
    """Write the rates to where plans look for them, and return them.

    Raises
    ------
    InputError
        If that folder takes no files.
    """
    path = rates_file()
    ensure_writable(path.parent)
    write_json(path, asdict(rates))
    return rates


def _quickest(work: Callable[[], object]) -> float:
    """Return processor seconds of the quickest of some rounds."""
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)
