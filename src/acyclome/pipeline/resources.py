"""What a run will take, from its sizes alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from acyclome.config import Config
from acyclome.core.data.moments import PRECISE_GENES, WHOLE_GENES, dtype_of
from acyclome.core.data.slabs import CHEAPER, WORTH
from acyclome.core.data.standardized import PIECE_BYTES, is_small, panel_genes
from acyclome.core.screening.batched import BLOCK_VALUES
from acyclome.errors import InputError, MemoryLimitError
from acyclome.io.store_writer import SLAB
from acyclome.machine import machine_memory
from acyclome.pipeline.durations import (
    HELD_OUT_PARTS,
    MANY_FITS,
    REFERENCE,
    Durations,
    Filled,
    Rates,
    cost_of,
    is_held_out,
    is_sharded,
)
from acyclome.pipeline.engine_settings import looks_for_factors

BASE_BYTES = 450_000_000  # of the interpreter and its libraries
CARD_BYTES = 600_000_000  # what CUDA and its libraries take before any data
PATH_BYTES = 9500  # per gene, of the flow along paths
LOOKED_OBSERVATIONS = 5000  # from which hidden causes are told where not all are held; they bring nats each
LOOKED = 4  # copies of the data beside, as hidden causes are looked for: 4.3 at 1,000 x 20,000, 3.4 at 3,000 x 2,000
VALUE_BYTES = 8  # of what is not zero in sparse data
# Copies of a slab, and bytes of a cell, its name among them, that the preparation holds: of 30,000 genes 390 MB beside
# the libraries at 100,000 cells, and 520 MB at a million, 800 before; and the same of the stages, where these are 80
# and 150.  What `plan` says with it is 1.1 to 1.3 times the largest peak of 30,000 to a million cells.
SLABS_READ, CELL_READ, SLABS_HELD, CELL_HELD = 3, 450, 2, 200
HALO = 3  # times its core a halo may have
LARGEST = 0.7  # of all genes in a shard, whose correlations then take half the memory of all


def shard_sizes(n_genes: int, n_obs: int, config: Config) -> tuple[int, int]:
    """Return how many shards there are, and how many genes each may have, core and halo; one shard has all genes."""
    shards, limit = config.shard.shards, config.shard.shard_memory
    fits = np.arange(1, n_genes + 1)  # every size is tried, for the formula takes arrays
    if limit is not None:
        fits = fits[_shard_bytes(fits, n_obs, config) <= limit * 2**30]
    fitting = int(fits.max(initial=0))  # below all genes: as many shards as keep core and full halo within it
    shards = shards or math.ceil(n_genes * (HALO + 1) / max(fitting, 1)) if fitting < n_genes else max(shards, 1)
    core = math.ceil(n_genes / shards)
    if shards > n_genes:
        msg = f"shard.shards = {shards:,}, but there are only {n_genes:,} genes; expected at most one shard per gene."
        raise InputError(msg)
    if fitting < core:
        needed = float(_shard_bytes(np.array([core]), n_obs, config)[0]) / 2**30
        msg = (
            f"A shard of {core:,} genes and {n_obs:,} observations needs about {needed:.2f} GB; shard.shard_memory "
            f"allows {limit:.2f} GB. Raise it, or use more shards (--shards; without it their number follows)."
        )
        raise InputError(msg)
    most = n_genes if shards == 1 else max(min((HALO + 1) * core, int(LARGEST * n_genes)), core)
    return shards, min(most, fitting)


def _shard_bytes(genes: np.ndarray, n_obs: int, config: Config) -> np.ndarray:
    """Memory of a process that fits one shard: its data, correlations, blocks and paths."""
    s = genes.astype(float)
    size = np.where(s <= PRECISE_GENES, 8, 4)
    k = np.minimum(config.screen.max_candidates, s)
    cost = cost_of(s, n_obs, config)
    own: np.ndarray = BASE_BYTES + size * (n_obs * s + s * s) + 8 * k * k * s / 2 + PATH_BYTES * s
    return own + cost.held + cost.relaxed


def estimate(
    n_genes: int, n_obs: int, config: Config, *, threads: int, rates: Rates = REFERENCE, filled: Filled | None = None
) -> dict[str, Any]:
    """Estimate memory (bytes) and time (seconds) of a run, per stage.

    Memory: data and correlations, ``n d + d^2`` numbers of 4 bytes (8 up to ``PRECISE_GENES``), once for the whole and
    once for each half-sample under way (of a screen four fifths of it), ``n d`` above ``WHOLE_GENES``, where
    correlations are formed as they are needed, and panels of the data where they are not held; where ``n >= d``, a
    float32 matrix for the inverse, as often; the candidates' blocks
    ``8 k^2 d`` and paths; tiles. ``spilled_memory_bytes`` leaves the scaled data on the disk. Shards too stand beside
    the whole, as many as there are threads.
    Seconds are those of ``rates``, of one core at 3 GHz if none were measured; ``seconds_if_confounded`` are in all, of
    data in which the look for hidden causes fits many factors, which no size foretells.  ``device_memory_gb`` is what
    --device cuda takes of the card.  ``filled`` is of sparse data, which are learned from slab by slab where that is
    cheaper (:func:`goes_by_slabs`).  Of model auto the stages are those of the simplest, the least it can take, and
    what choosing takes.
    """
    chosen = {}
    if config.card is None:
        chosen = {"choose": Durations(config, threads, rates).of_choice(n_genes, n_obs)}
        config = next(iter(config.with_each_model()[0].values()))
    cost = cost_of(d := float(n_genes), n_obs, config)
    n, k = float(n_obs), float(min(config.screen.max_candidates, n_genes))
    size = 8 if d <= PRECISE_GENES else 4
    beside = min(threads, config.resample.resamples)
    half = n * max(config.resample.fraction, is_held_out(config) * (1.0 - 1.0 / HELD_OUT_PARTS))
    correlations = d * d if n_genes <= WHOLE_GENES else 0.0
    if filled is not None and not goes_by_slabs(n_genes, n_obs, config, filled=filled):
        filled = None
    data, half_data = _data_bytes(n_genes, n_obs, config, half=half, threads=threads, filled=filled)
    own = data + size * correlations
    inverse = 4 * d * d  # in place, beside the correlations
    small = half_data + size * correlations + (inverse if half >= d else 4 * half * d)
    tiles = size * 512 * d * 3 * threads + (inverse if n >= d else 4 * n * d)
    blocks = (8 * k * k * d / 2 + PATH_BYTES * d) * (1 + beside)
    scaled = data + beside * half_data
    memory = BASE_BYTES + own + tiles + beside * small + blocks
    if looks_for_factors(config, n_genes=n_genes, is_counted=config.counts is not None):  # before half-samples are held
        seen = min(n_obs, LOOKED_OBSERVATIONS) if is_formed(n_genes, n_obs, config) else n_obs
        memory = max(memory, BASE_BYTES + own + tiles + LOOKED * size * seen * d)
    shards = _shard_facts(n_genes, n_obs, config)
    if shards:  # resamples and shards do not run at the same time, so the larger of the two counts
        together = min(threads, shards["shards"]) * (shards["shard_memory_bytes"] - BASE_BYTES)
        memory = max(memory, BASE_BYTES + own + together)
    memory += (1 + beside) * cost.held + cost.relaxed
    memory = memory if filled is None else max(memory, _preparation_bytes(filled, n_obs))
    cut = (shards["shards"], shards["shard_genes"]) if shards else None
    durations = Durations(config, threads, rates, filled)
    times = chosen | durations.of_stages(n_genes, n_obs, cut)
    longer = durations.of_look(n_genes, n_obs, MANY_FITS) - times["confounding"]
    return {
        "n_genes": n_genes,
        "n_obs": n_obs,
        "memory_bytes": int(memory),
        "memory_gb": round(memory / 2**30, 2),
        "spilled_memory_bytes": int(memory - scaled),
        "device_memory_gb": round(_card_bytes(d, n, config) / 2**30, 2),
        **shards,
        "seconds": {name: round(value, 1) for name, value in times.items()},
        "total_seconds": round(sum(times.values()), 1),
        "seconds_if_confounded": round(sum(times.values()) + longer, 1),
    }


def _data_bytes(
    n_genes: int, n_obs: int, config: Config, *, half: float, threads: int, filled: Filled | None
) -> tuple[float, float]:
    """Return the memory of the scaled data, and of those of ``half`` of the observations, as far as they are held."""
    d, n = float(n_genes), float(n_obs)
    size = 8 if d <= PRECISE_GENES else 4
    if filled is None and not is_formed(n_genes, n_obs, config):
        return size * n * d, size * half * d
    of_half = 0.0 if half >= d else size * half * d
    if filled is not None:
        return SLABS_HELD * _slab_bytes(filled.kept, n_obs) + CELL_HELD * n, of_half
    return (1 + threads) * (size * n * panel_genes(n_obs) + PIECE_BYTES), of_half


def goes_by_slabs(n_genes: int, n_obs: int, config: Config, *, filled: Filled) -> bool:
    """Say whether products are those of sparse genes, slab by slab."""
    if is_formed(n_genes, n_obs, config):
        return True
    is_worth_it = n_genes <= n_obs and float(n_genes) ** 2 * n_obs >= WORTH and filled.share < CHEAPER
    return is_worth_it and is_learned_from_correlations(n_genes, config)


def _slab_bytes(values: int, n_obs: int) -> float:
    """Return the memory of one slab of sparse data that have so many values."""
    return VALUE_BYTES * values * min(SLAB, n_obs) / max(n_obs, 1)


def _preparation_bytes(filled: Filled, n_obs: int) -> float:
    return BASE_BYTES + SLABS_READ * _slab_bytes(filled.values, n_obs) + CELL_READ * n_obs


def is_formed(n_genes: int, n_obs: int, config: Config) -> bool:
    """Say whether standardised genes are formed as they are asked for, so that memory does not grow with observations.

    That takes a model that is learned from correlations, of many values, of which nothing needs all at once.
    """
    dtype = np.dtype(dtype_of(n_genes))
    return is_learned_from_correlations(n_genes, config) and not is_small((n_genes, n_obs), dtype)


def is_learned_from_correlations(n_genes: int, config: Config) -> bool:
    """Say whether nothing that is learned needs all genes of all observations at once."""
    needs_all = config.input.perturbation is not None or config.prepare.transform == "latent"
    is_of_lines = config.card is not None and config.card.search == "order_search" and not config.reads_noise
    return is_of_lines and not needs_all and config.confounding != "trim" and n_genes <= WHOLE_GENES


def estimate_models(
    n_genes: int,
    n_obs: int,
    config: Config,
    *,
    threads: int,
    rates: Rates = REFERENCE,
    filled: Filled | None = None,
) -> dict[str, dict[str, float]]:
    """Estimate memory and time of a run with each of the models that model auto may choose."""
    models = config.with_each_model()[0]
    given: dict[str, Any] = {"threads": threads, "rates": rates, "filled": filled}
    found = {name: estimate(n_genes, n_obs, one, **given) for name, one in models.items()}
    return {name: {key: facts[key] for key in ("memory_gb", "total_seconds")} for name, facts in found.items()}


def _card_bytes(d: float, n: float, config: Config) -> float:
    """Memory of a card: the most that correlations, screening or relaxation take, one at a time."""
    size = 8 if d <= PRECISE_GENES else 4
    whole = d <= WHOLE_GENES
    correlate = size * (n * d + 3 * d * d) * whole  # thrice, since they are made symmetric
    inverse = 32 * d * d if n >= d else 2 * size * n * d + 16 * n * n
    screen = (size * (n * d + 2 * d * d + 2 * BLOCK_VALUES) + inverse) * whole  # projections of a block, and a copy
    return CARD_BYTES + max(correlate, screen, cost_of(d, int(n), config).on_device)


def _shard_facts(n_genes: int, n_obs: int, config: Config) -> dict[str, Any]:
    """How many shards, how large, and what one takes; empty where the network is not cut."""
    if not is_sharded(config):
        return {}
    shards, most = shard_sizes(n_genes, n_obs, config)
    needed = int(_shard_bytes(np.array([most]), n_obs, config)[0])
    return {"shards": shards, "shard_genes": most, "shard_memory_bytes": needed}


def check_memory(
    n_genes: int,
    n_obs: int,
    config: Config,
    *,
    threads: int,
    memory: int | None,
    is_part: bool = False,
    has_disk: bool = False,
) -> bool:
    """Say whether scaled data have to lie on the disk; refuse what needs more memory than it may take all the same.

    ``memory`` is in bytes, None for what the machine has; with ``is_part`` only some shards are computed here.
    """
    limit = machine_memory() if memory is None else memory
    facts = estimate(n_genes, n_obs, config, threads=threads)
    needed = facts["memory_bytes"]
    if is_part and is_sharded(config):  # each of the threads has a shard of its own
        needed = BASE_BYTES + min(threads, facts["shards"]) * (facts["shard_memory_bytes"] - BASE_BYTES)
    if needed <= limit:
        return False
    if has_disk and not is_part and facts["spilled_memory_bytes"] <= limit:
        return True
    said = "this machine has" if memory is None else "--memory allows"
    msg = (
        f"This run needs about {needed / 2**30:.1f} GB for {n_genes:,} genes, {n_obs:,} observations; "
        f"{said} {limit / 2**30:.1f} GB. Use fewer --threads (resamples run beside one "
        "another), fewer genes (--min-cells, --n-top-genes), or a machine with more memory."
    )
    raise MemoryLimitError(msg)
