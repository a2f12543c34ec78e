"""Groups of observations learned together: one order and shared causes for all, weights and exceptions for each.

The shared network is learned from all observations, every gene standardized within its group, so that means and scales
of groups make no edge. Each group is then learned on its own data along the shared order, where an edge of the shared
network costs a tenth. Edges of any of these networks are compared between groups.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.effects.contrasts import Contrasts, contrasts
from acyclome.core.screening.partial_correlation import ROWS
from acyclome.errors import InputError
from acyclome.io.logarithms import with_logarithms
from acyclome.io.store import GeneMajor, MemoryStore
from acyclome.network import Network
from acyclome.network.joint import in_families
from acyclome.pipeline.task import Task
from acyclome.wording import plural


def pool(stores: Mapping[str, GeneMajor], amounts: Collection[str] = ()) -> tuple[MemoryStore, np.ndarray]:
    """Put all groups after one another, each gene standardized within its group, ``(d, n)`` float32.

    Of genes that are ``amounts`` it is the logarithms that are standardized, since groups are learned from these.
    Returned are the store, of the genes that vary in every group, and their standard deviations, ``(groups, d)``.
    """
    first, *others = stores.values()
    common = set(first.genes).intersection(*(store.genes for store in others))
    genes = [gene for gene in first.genes if gene in common]
    parts, scales = zip(
        *(_standardized(with_logarithms(store, amounts), genes) for store in stores.values()), strict=True
    )
    scale = np.stack(scales)
    kept = np.all(scale > 0, axis=0)
    if kept.sum() < 2:
        msg = (
            f"{plural(int(kept.sum()), 'gene|s varies|vary')} in all of the {len(stores)} groups; a joint network "
            "needs two."
        )
        raise InputError(msg)
    frames = [frame for store in stores.values() if (frame := store.obs_columns) is not None]
    obs = pd.concat(frames, ignore_index=True) if len(frames) == len(stores) else None
    # Each group lost the degrees of freedom of its preparation, and every further one its own mean.
    left = sum(float(store.facts.get("n_effective", store.n_obs)) for store in stores.values()) - len(stores) + 1
    lost = len(set().union(*(store.genes for store in stores.values()))) - int(kept.sum())
    warnings = (
        [f"{plural(lost, 'gene|s is|are')} not in all groups; the shared network is without them."] if lost else []
    )
    X = np.concatenate([part[kept] for part in parts], axis=1)
    names = [gene for gene, is_kept in zip(genes, kept, strict=True) if is_kept]
    of = [label for label, store in stores.items() for _ in range(store.n_obs)]  # all that counts of an observation
    about = {"n_effective": left, "warnings": warnings, "amounts": [gene for gene in names if gene in amounts]}
    pooled = MemoryStore(X, names, of, facts=about, obs_columns=obs, symbols=first.symbols)
    return pooled, scale[:, kept]


def _standardized(store: GeneMajor, genes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    X = store.rows(pd.Index(store.genes).get_indexer(pd.Index(genes))).astype(float)
    X -= X.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.mean(X**2, axis=1))
    return (X / np.where(scale > 0, scale, 1.0)[:, None]).astype(np.float32), scale


def differential_edges(
    pooled: Task,
    scale: np.ndarray,
    stores: Mapping[str, GeneMajor],
    *,
    shared: Network,
    networks: Mapping[str, Network],
) -> pd.DataFrame:
    """Compare the edges of all networks between groups."""
    data, index = pooled.data, {gene: k for k, gene in enumerate(shared.genes)}
    columns = ["source", "target"]
    edges = pd.concat([shared.edges[columns], *(one.edges[columns] for one in networks.values())]).drop_duplicates()
    edges = edges[edges["source"].isin(index) & edges["target"].isin(index)].reset_index(drop=True)
    source, target = (edges[end].map(index).to_numpy(np.int64) for end in columns)
    in_shared = np.arange(len(edges)) < shared.n_edges
    size = np.array([data.store.observations.count(label) for label in stores])  # some may have been left out
    rows = np.split(np.arange(size.sum()), np.cumsum(size)[:-1])
    units = np.sqrt(size @ scale**2 / size.sum())  # one scale for all groups, so that weights can be compared
    X = np.concatenate([data.store.block(a, b) for a, b in gene_blocks(data.n_genes, ROWS)]).astype(float)
    X *= np.repeat(scale / units, size, axis=0).T
    threads = pooled.runtime.threads
    tested = contrasts(X, rows, source=source, target=target, interventions=data.interventions, threads=threads)
    q = in_families(tested.p, in_shared, shared)
    return _table(edges.assign(shared=in_shared), tested, q, labels=list(stores))


def _table(edges: pd.DataFrame, tested: Contrasts, q: np.ndarray, *, labels: list[str]) -> pd.DataFrame:
    from scipy.stats import norm

    for values, name in ((tested.weight, "weight"), (tested.error, "error")):
        edges = edges.assign(**{f"{name}_{label}": values[:, g] for g, label in enumerate(labels)})
    difference = tested.weight.max(axis=1, initial=-np.inf) - tested.weight.min(axis=1, initial=np.inf)
    edges = edges.assign(difference=difference, z=norm.isf(tested.p / 2), p=tested.p, q=q)
    return edges.sort_values(["q", "p", "source", "target"], kind="stable", ignore_index=True)
