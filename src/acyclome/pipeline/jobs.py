"""What each stage takes as a job of its own: what the workflow asks a cluster for."""

from __future__ import annotations

from acyclome.config import Config
from acyclome.pipeline.durations import Filled, is_sharded
from acyclome.pipeline.resources import BASE_BYTES, estimate

THREADS = 8  # of a job of a stage that shares its work among them, as the rules of the workflow give it


def job_needs(n_genes: int, n_obs: int, config: Config, *, filled: Filled | None = None) -> dict[str, dict[str, float]]:
    """Return the memory (``mb``) and the time (``seconds``) of every stage that is learned as a job, by its name.

    Those of ``fit`` and ``resample`` are of all shards and half-samples, which the jobs that share them divide; these
    go through theirs one after another, and with shards as many side by side as a job has threads. Times are those of
    a core at 3 GHz, whatever was measured here: the nodes of a cluster are other machines.
    ``filled`` is of sparse data.
    """
    whole = estimate(n_genes, n_obs, config.with_options({"resample.resamples": 0}), threads=THREADS, filled=filled)
    alone = estimate(n_genes, n_obs, config, threads=1, filled=filled)
    size, seconds = whole["memory_bytes"], whole["seconds"]
    of_fit = size
    if is_sharded(config):
        of_fit = BASE_BYTES + min(THREADS, whole["shards"]) * (whole["shard_memory_bytes"] - BASE_BYTES)
    found = {
        "screen": (size, seconds["screen"] + seconds["confounding"]),  # which the first job that needs it finds
        "fit": (of_fit, seconds["fit"]),
        "order": (size, seconds["order"]),
        "resample": (alone["memory_bytes"], alone["seconds"]["resample"]),
        "network": (size, sum(alone["seconds"].get(name, 0.0) for name in ("network", "held_out", "validation"))),
    }
    return {name: {"mb": round(held / 1e6), "seconds": round(spent, 1)} for name, (held, spent) in found.items()}
