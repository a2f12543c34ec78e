"""Methods side by side on simulated problems: ours, the baselines that sort, and the peers that are installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from acyclome.errors import InputError
from acyclome.evaluate.accuracy import Edges
from acyclome.evaluate.peers import PEERS
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.evaluate.trial import SORTS, sorted_edges, trial
from acyclome.machine import machine_memory

OURS, EQUAL = "acyclome", "acyclome, equal noise"
METHOD_SEEDS = 7000  # added to the seeds of methods: one that drew the data would draw their order again
MATRICES = 3  # d x d numbers of 8 bytes that every other method holds at least
_NAMES = {OURS: OURS, "equal-noise": EQUAL}
_NAMES |= {key: name for name, key in SORTS.items()} | {name.lower(): name for name in PEERS}


@dataclass(frozen=True)
class Comparison:
    """What is compared: methods by the names of the tables, seeds, threads, and the seconds a method may take."""

    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    seed: int
    threads: int
    device: str
    limit: float | None

    def rows(self, d: int, n: int, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Draw the problems of one size and let every method try each of them; yields a row for each trial."""
        for seed in self.seeds:
            drawn = simulate(d, n, **settings, seed=seed)
            for name in self.methods:
                row = {"genes": d, "method": name, "seed": seed}
                # Ours refuses by itself, with its own estimate.
                if name not in (OURS, EQUAL) and 8 * MATRICES * d * d > machine_memory():
                    yield row | {"status": "not tried, too large for the memory"}
                    continue
                work = self._work(name, drawn, METHOD_SEEDS + self.seed + seed)
                yield row | trial(work, (drawn.source, drawn.target), d, seed, self.limit)

    def _work(self, name: str, drawn: Simulation, seed: int) -> Callable[[], Edges]:
        if name in SORTS:
            return partial(sorted_edges, drawn.X, name, seed)
        if name in PEERS:
            return partial(PEERS[name].edges, drawn.X)
        score = {"noise": "equal" if name == EQUAL else "unequal"}
        return partial(learned, drawn.X, seed, self.threads, device=self.device, score=score)


def learned(
    X: np.ndarray, seed: int, threads: int, *, device: str = "cpu", **config: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Learn the network of ``X`` without resamples; return its edges as columns of ``X``, ``(m,)`` each."""
    from acyclome import learn, settings

    with settings.silent():  # bars of the command are there already
        network = learn(X, n_resamples=0, random_state=seed, threads=threads, device=device, config=config)
    return network.source, network.target


@cache
def warm_up() -> None:
    """Compile every kernel once, or load it from the cache, so that no trial pays for it.

    On the CPU, whatever the trials use: a process that has seen a GPU cannot be forked into one that uses it.
    """
    X = simulate(60, 200, seed=3, standardised=True).X  # small, yet all kernels run
    for noise in ("unequal", "equal"):
        learned(X, 1, 1, device="cpu", score={"noise": noise})
    for name in SORTS:
        sorted_edges(X, name, 1)


def choose_methods(text: str | None) -> tuple[str, ...]:
    """Return the methods that a list such as ``acyclome,dagma`` names; None: all that are here, without options."""
    if text is None:
        missing = {name for name, peer in PEERS.items() if not peer.is_installed}
        return tuple(name for name in _NAMES.values() if name not in missing | {EQUAL})  # which is told the noise
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in _NAMES]
    if unknown or not words:
        msg = f"--methods {text} names no method {', '.join(unknown)}; expected some of {', '.join(_NAMES)}."
        raise InputError(msg)
    chosen = tuple(dict.fromkeys(_NAMES[word] for word in words))
    for name in chosen:
        if name in PEERS and not PEERS[name].is_installed:
            msg = f"{name} is not installed. Install it: {PEERS[name].install}"
            raise InputError(msg)
    return chosen


def left_out() -> list[str]:
    return [f"{name} is not installed: {peer.install}" for name, peer in PEERS.items() if not peer.is_installed]
