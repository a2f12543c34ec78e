"""What a run will take, from its sizes alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from acyclome.config import Config
from acyclome.core.data.moments import PRECISE_GENES, WHOLE_GENES, dtype_of
from acyclome.core.data.standardized import PIECE_BYTES, is_small, panel_genes
from acyclome.core.screening.batched import BLOCK_VALUES
from acyclome.errors import InputError, MemoryLimitError
from acyclome.machine import machine_memory
from acyclome.models.card import Cost
from acyclome.pipeline.engine_settings import looks_for_factors

COMPARED_GENES, COMPARED_OBSERVATIONS = 200, 4000  # of the sample on which models are compared, if there are more
PARTS = 4  # three quarters are more to learn from than the half of a resample; no other share is on record
CHECKED_GENES, CHECKED_OBSERVATIONS = 1000, 5000  # of the sample that checks learn from, which take a minute with it
CHECKED_ROUNDS = 3  # of permutations, over which the edges found are averaged
# Values judged, from which no further quarter is kept back: 20 genes in 1,000 observations; and quarters at most, in
# several divisions where one has not as many.  One of few values chose by its seed (Sachs: three in turn).
JUDGED, MOST_PARTS = 20_000, 8
BASE_BYTES = 450_000_000  # of the interpreter and its libraries
CARD_BYTES = 600_000_000  # what CUDA and its libraries take before any data
PATH_BYTES = 9500  # per gene, of the flow along paths
GRAM_PER_SECOND = 6e10  # multiplications of one core at 3 GHz, as all rates below: in products of matrices
FORWARD_PER_SECOND = 2.5e9  # in the forward selection
MOVES_PER_SECOND = 2_500.0  # genes moved by the order search
SCORED_PER_SECOND = 2e10  # in scores and in the relaxation, which have small matrices
RANKED = 3.0  # products of all pairs of genes in a ranking: 4.7 s at 10,000 genes, where one is 1.7
# Seconds a gene, and at least: .9 and 1.3 s at 2,000 genes, .1 and .6 at 748.
TABLES, PAGE, LEAST_PAGE = 4e-4, 4e-4, 0.5
WRITTEN = ("validation", "report")  # what is done for the page, which a folder has
SHAKES = 4  # climbs' worth of scores in a round of perturbation
LOOKED_OBSERVATIONS = 5000  # from which hidden causes are told where not all are held; they bring nats each
LOOKED = 4  # copies of the data beside, as hidden causes are looked for: 4.3 at 1,000 x 20,000, 3.4 at 3,000 x 2,000
HALO = 3  # times its core a halo may have
HELD_OUT_PARTS = 5  # of the targets of a screen, as in five-fold cross-validation: each network has four fifths of them
LARGEST = 0.7  # of all genes in a shard, whose correlations then take half the memory of all


def is_sharded(config: Config) -> bool:
    return config.shard.shards > 0 or config.shard.shard_memory is not None


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
    cost = _cost(s, n_obs, config)
    own: np.ndarray = BASE_BYTES + size * (n_obs * s + s * s) + 8 * k * k * s / 2 + PATH_BYTES * s
    return own + cost.held + cost.relaxed


def _cost(n_genes: Any, n_obs: int, config: Config) -> Cost:
    """Return what the model takes, without the relaxation where that does not run."""
    if config.card is None:
        return Cost()
    found = config.card.cost(config, n_genes, n_obs)
    return found if config.relaxes else found._replace(relaxed=0.0, on_device=0.0, relax=0.0)


def estimate(n_genes: int, n_obs: int, config: Config, *, threads: int) -> dict[str, Any]:
    """Estimate memory (bytes) and time (seconds) of a run, per stage.

    Memory: data and correlations, ``n d + d^2`` numbers of 4 bytes (8 up to ``PRECISE_GENES``), once for the whole and
    once for each half-sample under way (of a screen four fifths of it), ``n d`` above ``WHOLE_GENES``, where
    correlations are formed as they are needed, and panels of the data where they are not held; where ``n >= d``, a
    float32 matrix for the inverse, as often; the candidates' blocks
    ``8 k^2 d`` and paths; tiles. ``spilled_memory_bytes`` leaves the scaled data on the disk. Shards too stand beside
    the whole, as many as there are threads.
    Speeds are those of one core at 3 GHz; good to a factor of two.  ``device_memory_gb`` is what --device cuda takes of
    the card.  Of model auto the stages are those of the simplest, the least it can take, and what choosing takes.
    """
    chosen = {}
    if config.card is None:
        chosen = {"choose": _choose_seconds(n_genes, n_obs, config, threads=threads)}
        config = next(iter(config.with_each_model()[0].values()))
    cost = _cost(d := float(n_genes), n_obs, config)
    n, k = float(n_obs), float(min(config.screen.max_candidates, n_genes))
    size = 8 if d <= PRECISE_GENES else 4
    beside = min(threads, config.resample.resamples)
    half = n * max(config.resample.fraction, _held_out(config) * (1.0 - 1.0 / HELD_OUT_PARTS))
    correlations = d * d if n_genes <= WHOLE_GENES else 0.0
    data, half_data = size * n * d, size * half * d
    if is_formed(n_genes, n_obs, config):
        data = (1 + threads) * (size * n * panel_genes(n_obs) + PIECE_BYTES)
        half_data = 0.0 if half >= d else half_data
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
    times = chosen | _seconds(n_genes, n_obs, config, threads=threads)
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
    }


def is_formed(n_genes: int, n_obs: int, config: Config) -> bool:
    """Say whether standardised genes are formed as they are asked for, so that memory does not grow with observations.

    That takes a model that is learned from correlations, of many values, of which nothing needs all at once.
    """
    needs_all = config.input.perturbation is not None or config.prepare.transform == "latent"
    is_of_lines = config.card is not None and config.card.search == "order_search" and not config.reads_noise
    dtype = np.dtype(dtype_of(n_genes))
    can = is_of_lines and not needs_all and config.confounding != "trim" and n_genes <= WHOLE_GENES
    return can and not is_small((n_genes, n_obs), dtype)


def _seconds(n_genes: int, n_obs: int, config: Config, *, threads: int) -> dict[str, float]:
    """Return the seconds of every stage, but for the choice of a model."""
    d, n = float(n_genes), float(n_obs)
    gram, look, search = _passes(d, n, config)
    resampled = config.resample.resamples * (look / 2 + gram + search / 2)
    held_out = (HELD_OUT_PARTS - 1) * (look + gram) + HELD_OUT_PARTS * search / 2
    is_open = looks_for_factors(config, n_genes=n_genes, is_counted=config.counts is not None)
    hidden = (look + search / 2) / threads if is_open else 0.0  # by a search that is not taken to its end
    times = {
        "confounding": hidden,
        "screen": 0.0 if hidden else look / threads,  # whose candidates are those of the other
        **_fit_seconds(n_genes, n_obs, config, threads=threads),
        "order": gram * 2 / threads + search + config.search.perturbations * d / MOVES_PER_SECOND,
        "resample": resampled / threads,
        **({"held_out": held_out / threads} if _held_out(config) else {}),
        "validation": _check_seconds(d, n, config) / threads if config.validation.checks else 0.0,
        "network": RANKED * gram / threads + TABLES * d,
        "report": LEAST_PAGE + PAGE * d,
    }
    for name, seconds in _model_seconds(_cost(d, n_obs, config), config).items():
        times[name] += seconds / threads
    return times


def _check_seconds(d: float, n: float, config: Config) -> float:
    """Seconds of one core in the checks, which learn from a sample as half-samples are learned from."""
    d, n = min(d, CHECKED_GENES), min(n, CHECKED_OBSERVATIONS)
    gram, look, search = _passes(d, n, config)
    quick = config.with_options({"search.perturbations": 0, "resample.resamples": 0})
    once = look + gram + search / 2 + sum(_model_seconds(_cost(d, int(n), config), quick).values())
    return (1 + CHECKED_ROUNDS) * once


def _passes(d: float, n: float, config: Config) -> tuple[float, float, float]:
    """Return the seconds that one core takes for correlations, for candidates with them, and for a search."""
    gram = d * d * n / GRAM_PER_SECOND
    forward = d * d * config.screen.forward_steps**2 / 2 / FORWARD_PER_SECOND
    partial = d * d * min(n, d) * 2 / GRAM_PER_SECOND
    return gram, gram + forward + partial, 4 * d / MOVES_PER_SECOND


def _held_out(config: Config) -> bool:
    """Say whether networks are learned without parts of the targets, as resamples are, of more observations."""
    return config.input.perturbation is not None and config.resample.resamples > 0


def estimate_models(n_genes: int, n_obs: int, config: Config, *, threads: int) -> dict[str, dict[str, float]]:
    """Estimate memory and time of a run with each of the models that model auto may choose."""
    found = {name: estimate(n_genes, n_obs, one, threads=threads) for name, one in config.with_each_model()[0].items()}
    return {name: {key: facts[key] for key in ("memory_gb", "total_seconds")} for name, facts in found.items()}


def _choose_seconds(n_genes: int, n_obs: int, config: Config, *, threads: int) -> float:
    """Seconds of a search with every model on the sample where they are compared."""
    d, n = min(n_genes, COMPARED_GENES), min(n_obs, COMPARED_OBSERVATIONS)
    quick = config.with_options({"search.perturbations": 0, "resample.resamples": 0})
    costs = [(_cost(d, n, one)._replace(relax=0.0), one) for one in quick.with_each_model()[0].values()]
    return parts_judged(d, n) * sum(sum(_model_seconds(*one).values()) for one in costs) / threads


def parts_judged(n_genes: int, n_obs: int) -> int:
    """Return how many quarters of the observations are kept back in turn where models are compared."""
    return min(MOST_PARTS, math.ceil(JUDGED / max(n_obs // PARTS * n_genes, 1)))


def _card_bytes(d: float, n: float, config: Config) -> float:
    """Memory of a card: the most that correlations, screening or relaxation take, one at a time."""
    size = 8 if d <= PRECISE_GENES else 4
    whole = d <= WHOLE_GENES
    correlate = size * (n * d + 3 * d * d) * whole  # thrice, since they are made symmetric
    inverse = 32 * d * d if n >= d else 2 * size * n * d + 16 * n * n
    screen = (size * (n * d + 2 * d * d + 2 * BLOCK_VALUES) + inverse) * whole  # projections of a block, and a copy
    return CARD_BYTES + max(correlate, screen, _cost(d, int(n), config).on_device)


def _model_seconds(cost: Cost, config: Config) -> dict[str, float]:
    """Seconds of one core in the stages, of what the model takes beside what all take."""
    rounds, resampled = config.search.perturbations, config.resample.resamples * config.resample.fraction
    decides = config.card is not None and config.card.search == "relaxation"  # runs where others search
    search, relax = float(cost.search) / SCORED_PER_SECOND, float(cost.relax) / SCORED_PER_SECOND
    return {
        "screen": float(cost.screen) / GRAM_PER_SECOND,
        "fit": 0.0 if decides or is_sharded(config) else relax,
        "order": relax if decides else search * (1 + SHAKES * rounds),
        "resample": (relax if decides else search) * resampled,
    }


def _shard_facts(n_genes: int, n_obs: int, config: Config) -> dict[str, Any]:
    """How many shards, how large, and what one takes; empty where the network is not cut."""
    if not is_sharded(config):
        return {}
    shards, most = shard_sizes(n_genes, n_obs, config)
    needed = int(_shard_bytes(np.array([most]), n_obs, config)[0])
    return {"shards": shards, "shard_genes": most, "shard_memory_bytes": needed}


def _fit_seconds(n_genes: int, n_obs: int, config: Config, *, threads: int) -> dict[str, float]:
    """Seconds of the shards: their relaxation and their first search, and the plan."""
    if not is_sharded(config):
        return {"fit": 0.0}
    shards, most = shard_sizes(n_genes, n_obs, config)
    cost = _cost(most, n_obs, config)
    of_model = float(cost.relax + cost.search) / SCORED_PER_SECOND
    each = float(most) * most * n_obs / GRAM_PER_SECOND + 2 * most / MOVES_PER_SECOND + of_model
    return {"shard": 1e-4 * n_genes, "fit": each * math.ceil(shards / threads), "merge": 1e-5 * n_genes}


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
