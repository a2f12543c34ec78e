"""What networks say of targets that they have never seen acted on, to be told from what then happened.

Targets are dealt into parts; for each, a network is learned as resamples are, from all observations that act on none of
its targets.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from acyclome.confidence.resample import Subsample
from acyclome.core.data.interventions import own_moments
from acyclome.core.data.search_result import SearchResult
from acyclome.core.effects.doses import Yardstick
from acyclome.core.effects.profiles import profiles, profiles_of
from acyclome.core.effects.stacking import LEAST, Profiles
from acyclome.core.effects.total import responses
from acyclome.network.tables import TREATMENT_COLUMNS
from acyclome.pipeline.dataset import Labels
from acyclome.pipeline.durations import HELD_OUT_PARTS
from acyclome.pipeline.executor import run_parts
from acyclome.pipeline.identification import identify
from acyclome.pipeline.records import HeldOut
from acyclome.pipeline.stages import learn_subsample
from acyclome.pipeline.task import Task, seed_of
from acyclome.wording import plural


def hold_out(task: Task) -> HeldOut:
    """Learn without every part of the targets that were acted on alone; nothing where they are too few to tell."""
    done, d = task.data.interventions, task.data.n_genes
    alone = np.unique(task.data.treatments.gene[task.data.treatments.gene >= 0])
    alone = alone[task.data.sources[alone]]  # what may be no cause has no effects, and nothing to be told
    if len(alone) < LEAST or not task.config.resample.resamples:
        return HeldOut(gene=np.empty(0, np.int64), effect=np.empty((0, d)), facts={"parts": 0})
    seed = seed_of(task.config, "held_out")
    dealt = np.random.default_rng(seed).permutation(alone)
    parts = [np.sort(dealt[k::HELD_OUT_PARTS]) for k in range(min(HELD_OUT_PARTS, len(alone)))]
    samples = [
        Subsample(k, np.setdiff1d(np.arange(done.n_obs), np.concatenate([done.of(gene) for gene in part])), seed + k)
        for k, part in enumerate(parts)
    ]
    task.report("held_out", 0.0, f"{plural(len(alone), 'target')} in {len(parts)} parts")
    learn = partial(
        learn_subsample, task.data, task.config, backend=task.backend_of_part(len(parts)), scratch=task.scratch
    )
    dags = run_parts(
        learn,
        samples,
        name="held_out",
        threads=task.runtime.threads,
        finished=lambda number: task.report("held_out", number / len(parts), f"{number} of {len(parts)}"),
        dask=task.runtime.dask,
        folder=task.data.store.folder,
    )
    effect = np.concatenate([_total(dag, part) for dag, part in zip(dags, parts, strict=True)])
    facts = {"parts": len(parts), "identification": identify(task, dags, parts)}
    return HeldOut(gene=np.concatenate(parts), effect=effect, facts=facts)


def _total(dag: SearchResult, genes: np.ndarray) -> np.ndarray:
    return responses(dag.source, dag.target, dag.weight, order=dag.order, genes=genes)


def treatments_table(task: Task, held_out: HeldOut) -> pd.DataFrame | None:
    """Return what every treatment did, and what the networks that never saw it say, with ``TREATMENT_COLUMNS``."""
    data, labels = task.data, task.data.labels
    if labels is None:
        return None
    problem, by = task.bare, task.instruments.by
    found = profiles_of(problem, data.treatments, by)
    names = [*labels.names]
    is_linear = problem.data.size is None and not data.is_latent and data.marginal_map is None
    if labels.strangers.names and is_linear:  # else they would have had to be scaled together with the others
        names += labels.strangers.names
        found = found.joined(_of_strangers(task, labels, by))
    place = {int(gene): k for k, gene in enumerate(held_out.gene)}
    genes = {gene: j for j, gene in enumerate(data.store.genes)}
    said = [np.empty(0, np.float32)] * len(names)
    for k, targets in enumerate(names):
        gene = genes.get(targets[0], -1) if len(targets) == 1 else -1
        if gene in place:
            said[k] = (found.change[k, gene] * held_out.effect[place[gene]]).astype(np.float32)
    columns = {
        "targets": [";".join(targets) for targets in names],
        "observations": found.observations,
        "change": list(found.change.astype(np.float32)),
        "error": list(found.error.astype(np.float32)),
        "network": said,
    }
    table = pd.DataFrame(columns)[list(TREATMENT_COLUMNS)]
    return table[table["observations"] > 0].reset_index(drop=True)


def _of_strangers(task: Task, labels: Labels, by: Yardstick) -> Profiles:
    """Return what treatments did of which a target is not measured; their observations are in no other sum."""
    m, strangers = task.scaled, labels.strangers
    own_mean, own_scale = own_moments(m.Z, m.interventions)
    per_unit = m.scale / np.where(own_scale > 0, own_scale, 1.0)  # of Z, in the units of the store
    scale = by.scale * per_unit
    in_store = by._replace(centre=m.mean + per_unit * (by.centre - own_mean), scale=np.where(scale > 0, scale, 1.0))
    return profiles(
        lambda a, b: labels.whole.block(a, b)[:, strangers.rows],
        strangers.kind,
        in_store,
        n_kinds=len(strangers.names),
        threads=task.backend.threads,
    )
