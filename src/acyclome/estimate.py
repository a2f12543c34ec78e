"""What a run will take, from its sizes alone."""

from __future__ import annotations

from typing import Any

from acyclome.config import Config
from acyclome.core.moments import PRECISE_GENES

BASE_BYTES = 450_000_000
GRAM_PER_SECOND = 6e10
FORWARD_PER_SECOND = 2.5e9
MOVES_PER_SECOND = 2_500.0


def estimate(n_genes: int, n_obs: int, config: Config, threads: int) -> dict[str, Any]:
    """Estimate memory (bytes) and time (seconds) of a run of the linear model, per stage.

    Notes
    -----
    Memory: data and correlations, ``n d + d^2`` numbers of 4 bytes (8 up to ``PRECISE_GENES``), once for the whole and
    once for each half-sample under way; where ``n >= d``, three float64 matrices for the inverse, as often; the
    candidates' blocks ``8 k^2 d`` and paths; tiles.  Speeds are those of one core at 3 GHz; good to a factor of two.
    """
    d, n, k = float(n_genes), float(n_obs), float(min(config.screen.max_candidates, n_genes))
    size = 8 if d <= PRECISE_GENES else 4
    beside = min(threads, config.resample.resamples)
    half = n * config.resample.fraction
    own = size * (n * d + d * d)
    inverse = 24 * d * d
    small = size * (half * d + d * d) + (inverse if half >= d else 4 * half * d)
    tiles = size * 512 * d * 3 * threads + (inverse if n >= d else 4 * n * d)
    blocks = (8 * k * k * d / 2 + 9500 * d) * (1 + beside)
    memory = BASE_BYTES + own + tiles + beside * small + blocks
    gram = d * d * n / GRAM_PER_SECOND
    forward = d * d * config.screen.forward_steps**2 / 2 / FORWARD_PER_SECOND
    partial = d * d * min(n, d) * 2 / GRAM_PER_SECOND
    look, search = gram + forward + partial, 4 * d / MOVES_PER_SECOND
    resampled = config.resample.resamples * (look / 2 + gram + search / 2)
    times = {
        "screen": look / threads,
        "fit": config.fit.relax * d * 6e-4,
        "order": gram * 2 / threads + search + config.score.restarts * d / MOVES_PER_SECOND,
        "resample": resampled / threads,
    }
    return {
        "n_genes": n_genes,
        "n_obs": n_obs,
        "memory_bytes": int(memory),
        "memory_gb": round(memory / 2**30, 2),
        "seconds": {name: round(value, 1) for name, value in times.items()},
        "total_seconds": round(sum(times.values()), 1),
    }
