"""Groups of observations learned together: one order and shared causes for all, weights and exceptions for each.

The shared network is learned from all observations, every gene standardized within its group, so that means and scales
of groups make no edge. Each group is then learned on its own data along the shared order, where an edge of the shared
network costs a tenth. Edges of any of these networks are compared between groups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.effects.contrasts import Contrasts, contrasts, false_discovery
from acyclome.core.screening.partial_correlation import ROWS
from acyclome.errors import InputError
from acyclome.io.runs import SHARED
from acyclome.io.store import GeneMajor, MemoryStore
from acyclome.knowledge.shared import Shared
from acyclome.network import JointNetworks, Network
from acyclome.pipeline.session import Session

Begin = Callable[[str | None, GeneMajor, Shared | None], Session]


def learn_together(stores: Mapping[str, GeneMajor], begin: Begin) -> JointNetworks:
    """Learn the shared network, then that of each group along its order, and compare their edges.

    Parameters
    ----------
    begin
        Opens the session of a group, or of all of them (label None), on its data and with what is shared.

    Raises
    ------
    InputError
        If a group is called ``shared``, there is only one, or fewer than two genes vary in all of them.
    """
    if SHARED in stores or len(stores) < 2:
        found = f"a group called {SHARED!r}" if SHARED in stores else f"{len(stores)} group"
        msg = f"Found {found}; to be learned together (joint), groups are two at least, of other names than {SHARED!r}."
        raise InputError(msg)
    pooled, scale = pool(stores)
    whole = begin(None, pooled, None)
    shared = whole.learn()
    place = dict(zip(shared.nodes["gene"], shared.nodes["order"].tolist(), strict=True))
    common = Shared(shared.edges[["source", "target"]], place)
    networks = {label: begin(label, store, common).learn() for label, store in stores.items()}
    return JointNetworks(networks, shared, differential_edges(whole, scale, stores, shared, networks))


def pool(stores: Mapping[str, GeneMajor]) -> tuple[MemoryStore, np.ndarray]:
    """Put all groups after one another, each gene standardized within its group, ``(d, n)`` float32.

    Returns
    -------
    The store, of the genes that vary in every group, and their standard deviations, ``(groups, d)``.
    """
    first, *others = stores.values()
    common = set(first.genes).intersection(*(store.genes for store in others))
    genes = [gene for gene in first.genes if gene in common]
    parts, scales = zip(*(_standardized(store, genes) for store in stores.values()), strict=True)
    scale = np.stack(scales)
    kept = np.all(scale > 0, axis=0)
    if kept.sum() < 2:
        msg = f"{int(kept.sum())} genes vary in all of the {len(stores)} groups; a joint network needs two."
        raise InputError(msg)
    frames = [store.obs_columns for store in stores.values()]
    there = [frame for frame in frames if frame is not None]
    obs = pd.concat(there, ignore_index=True) if len(there) == len(frames) else None
    left = sum(float(store.facts.get("n_effective", store.n_obs)) for store in stores.values()) - len(stores) + 1
    lost = len(set().union(*(store.genes for store in stores.values()))) - int(kept.sum())
    warnings = [f"{lost:,} genes are not in all groups; the shared network is without them."] if lost else []
    X = np.concatenate([part[kept] for part in parts], axis=1)
    names = [gene for gene, is_kept in zip(genes, kept, strict=True) if is_kept]
    return MemoryStore(X, names, facts={"n_effective": left, "warnings": warnings}, obs_columns=obs), scale[:, kept]


def _standardized(store: GeneMajor, genes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    place = {gene: k for k, gene in enumerate(store.genes)}
    X = np.concatenate([store.block(a, b) for a, b in gene_blocks(store.n_vars, ROWS)])[[place[g] for g in genes]]
    X = X.astype(float)
    X -= X.mean(axis=1, keepdims=True)
    scale = np.sqrt(np.mean(X**2, axis=1))
    return (X / np.where(scale > 0, scale, 1.0)[:, None]).astype(np.float32), scale


def differential_edges(
    whole: Session, scale: np.ndarray, stores: Mapping[str, GeneMajor], shared: Network, networks: Mapping[str, Network]
) -> pd.DataFrame:
    """Compare the edges of all networks between groups.

    Edges of the shared network were chosen by what groups have in common, which says nothing of their differences: they
    are a family of tests of their own. Edges of one group were chosen because they are strong there, so all pairs that
    the order allows count as tested.
    """
    place = {gene: k for k, gene in enumerate(shared.genes)}
    columns = ["source", "target"]
    edges = pd.concat([shared.edges[columns], *(one.edges[columns] for one in networks.values())]).drop_duplicates()
    edges = edges[edges["source"].isin(place) & edges["target"].isin(place)].reset_index(drop=True)
    source, target = (edges[end].map(place).to_numpy(np.int64) for end in columns)
    in_shared = np.arange(len(edges)) < shared.n_edges
    size = np.array([store.n_obs for store in stores.values()])
    ends = np.cumsum(size)
    rows = [np.arange(end - n, end) for end, n in zip(ends, size, strict=True)]
    units = np.sqrt(size @ scale**2 / size.sum())
    X = np.concatenate([whole.data.store.block(a, b) for a, b in gene_blocks(len(place), ROWS)]).astype(float)
    X *= np.repeat(scale / units, size, axis=0).T
    found = contrasts(X, rows, source, target, interventions=whole.data.interventions, threads=whole.data.threads)
    later = len(place) - 1 - shared.nodes["order"].to_numpy()
    allowed = int(later[whole.data.sources].sum())
    q = np.ones(len(edges))
    for family, tests in ((in_shared, shared.n_edges), (~in_shared, allowed - shared.n_edges)):
        q[family] = false_discovery(found.p[family], tests)
    return _table(edges.assign(shared=in_shared), found, q, list(stores))


def _table(edges: pd.DataFrame, found: Contrasts, q: np.ndarray, labels: list[str]) -> pd.DataFrame:
    from scipy.stats import norm

    for values, name in ((found.weight, "weight"), (found.error, "error")):
        edges = edges.assign(**{f"{name}_{label}": values[:, g] for g, label in enumerate(labels)})
    difference = found.weight.max(axis=1, initial=-np.inf) - found.weight.min(axis=1, initial=np.inf)
    edges = edges.assign(difference=difference, z=norm.isf(found.p / 2), p=found.p, q=q)
    return edges.sort_values(["q", "p", "source", "target"], kind="stable", ignore_index=True)
