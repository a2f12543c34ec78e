"""Modules of a run: learned from its prepared data, joined to its network, and named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.core.data.moments import Moments
from acyclome.core.data.search_result import SearchResult
from acyclome.core.modules.enrichment import enrichment, overlaps
from acyclome.core.modules.find import Modules, Visible, find_modules, gene_weights
from acyclome.core.modules.graph import find_graph, left_of_edges
from acyclome.core.modules.knockouts import Knockouts
from acyclome.core.modules.path import Judges, elbow, regularisation_path
from acyclome.core.workers import one_blas_thread
from acyclome.errors import InputError
from acyclome.io.keys import check_changeable, read_keys
from acyclome.io.module_keys import write_modules
from acyclome.io.names import REPORT
from acyclome.knowledge.gene_sets import GeneSets, read_gene_sets
from acyclome.knowledge.regulators import Regulators
from acyclome.machine import usable_threads
from acyclome.models import DEFAULT
from acyclome.network import Network
from acyclome.network.modules import (
    ACTS,
    AMONG,
    DIRECT,
    MODULE_COLUMNS,
    MODULE_EDGE_COLUMNS,
    MODULE_PATH_COLUMNS,
    MOVES,
    ModuleNetwork,
)
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.engine_settings import engine_settings
from acyclome.pipeline.modules_asked import Asked
from acyclome.pipeline.records import Confounded
from acyclome.pipeline.session import Session, report_if_possible
from acyclome.pipeline.task import Progress, Runtime, Task, Tell, seed_of
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

SURE = 0.01  # false discovery rate from which a module is enriched
SAME = 0.5  # squared correlation with a hidden factor, from which a module goes with it
LISTED = 3  # sets, and regulators, by name


class Found(NamedTuple):
    """What was found in arrays: modules, the graph over its nodes (genes, then ``d + k``), the path, and a choice."""

    modules: Modules
    graph: SearchResult
    nodes: np.ndarray
    path: pd.DataFrame


def modules_of_run(out: str | os.PathLike[str], asked: Asked, runtime: Runtime) -> ModuleNetwork:
    """Learn the modules of a finished run, and write ``modules.tsv``, ``module_edges.tsv``, ``module_path.tsv``."""
    from acyclome.io.runs import RunFolder

    asked.check()
    folder = RunFolder(out)
    network = folder.read_network()
    with Session.open(out, runtime) as session, one_blas_thread():
        found = session.archive.read(Confounded, session.asked)
        table = learn_modules(session.task, network, asked, factors=found.scores)
    folder.write_modules(table)
    if folder.file(REPORT).exists():  # which says what was found
        report_if_possible(folder, runtime)
    return table


def modules_of_adata(
    adata: AnnData,
    asked: Asked,
    *,
    key: str,
    group: str | None,
    regulators: Regulators | None,
    progress: Progress | None,
    tell: Tell,
) -> None:
    """Learn modules beside the network inside an object, whose options say what is known, and write them into it."""
    from acyclome.pipeline.anndata_store import store_of

    check_changeable(adata, copy=False)
    asked.check()
    network = read_keys(adata, key, group)
    config = Config.from_mapping(network.facts["config"])
    data = Dataset.build(store_of(adata, config, regulators=network.genes), config, regulators=regulators)
    task = Task.begin(data, config, Runtime(threads=usable_threads(), progress=progress, tell=tell))
    with one_blas_thread():
        found = learn_modules(task, network, asked, factors=np.empty((0, data.n_obs)))
    write_modules(adata, found, key, group)


def learn_modules(task: Task, network: Network, asked: Asked, *, factors: np.ndarray) -> ModuleNetwork:
    """Learn modules from the data of a task, hidden factors ``(r, n)`` left in, and join them to its network."""
    asked.check()
    genes, symbols = task.data.store.genes, network.symbols
    named = read_gene_sets(asked.gene_sets, genes, symbols=symbols)
    seen = read_gene_sets(asked.visible, genes, symbols=symbols)
    task.runtime.warn(dict.fromkeys((*named.notes, *seen.notes)))
    found = _find(task, network, asked, visible=Visible(seen.sets), named=named)
    sets = named if named.names else seen
    edges = _edges(task, network, found, in_set=seen.sets)
    modules = _modules(task, found, edges, sets=sets, seen=seen.names, factors=factors)
    activity = pd.DataFrame(found.modules.scores.T, task.data.store.observations, modules["module"].tolist())
    return ModuleNetwork(modules, edges, found.path, symbols, activity)


def _find(task: Task, network: Network, asked: Asked, *, visible: Visible, named: GeneSets) -> Found:
    data, seed = task.moments, seed_of(task.config, "modules")
    Z, weight = data.Z, gene_weights(data.Z, data.scale)
    task.report("modules", 0.0, "independent components")
    path, number = pd.DataFrame(columns=list(MODULE_PATH_COLUMNS)), asked.number
    if number == "auto":
        sets = named.sets if named.names else visible.sets
        path = _path(task, network, asked, weight=weight, visible=visible, sets=sets)
        number = int(path.loc[path["chosen"], "number"].iloc[0])
    modules = _ordered(find_modules(Z, weight, int(number), visible=visible, seed=seed, prices=asked.prices))
    task.report("modules", 0.8, f"{plural(modules.n_modules, 'module')}; their graph")
    if modules.n_modules == 0:
        msg = (
            "No module was found: nothing that moves four genes or more comes back in half of the observations. "
            "Give more observations, or sets that modules follow (--visible)."
        )
        raise InputError(msg)
    settings = engine_settings(_of_lines(task.config))
    score = replace(settings.score, gamma=asked.prices.edges * settings.score.gamma)
    graph, nodes = find_graph(task.problem, modules, settings=replace(settings, score=score), seed=seed)
    task.report("modules", 1.0, f"{plural(modules.n_modules, 'module')}, {plural(graph.n_edges, 'edge')}")
    return Found(_without_loops(modules, graph, nodes), graph, nodes, path)


def _without_loops(modules: Modules, graph: SearchResult, nodes: np.ndarray) -> Modules:
    """Let genes that act on modules be moved by those alone that the graph says, so that none acts on itself."""
    d = len(modules.loadings)
    source, target = nodes[graph.source], nodes[graph.target]
    loadings, acting = modules.loadings.copy(), np.unique(source[source < d])
    loadings[acting] = 0.0
    moves = np.isin(target, acting) & (source >= d)
    loadings[target[moves], source[moves] - d] = graph.weight[moves]
    return replace(modules, loadings=loadings, members=modules.members & (loadings != 0))


def _path(
    task: Task, network: Network, asked: Asked, *, weight: np.ndarray, visible: Visible, sets: np.ndarray
) -> pd.DataFrame:
    def names(modules: Modules) -> np.ndarray:
        q = enrichment(modules.members, sets)[1]
        named: np.ndarray = np.where(q.min(axis=1) < SURE, q.argmin(axis=1), -1)
        return named

    data, price = task.moments, task.data.edge_costs(_of_lines(task.config))
    edges = (network.source, network.target, network.edges["weight"].to_numpy(float))
    knocked = Knockouts(*edges, order=network.order, price=price)
    points = regularisation_path(
        data.Z,
        weight,
        visible=visible,
        seed=seed_of(task.config, "modules"),
        judges=Judges(names if sets.shape[1] else None, lambda modules: knocked.kept(data, modules)),
        prices=asked.prices,
        progress=lambda done: task.report("modules", 0.7 * done, "how many"),
    )
    chosen = elbow(points)
    return pd.DataFrame([{**point._asdict(), "chosen": point.number == chosen} for point in points])


def _ordered(modules: Modules) -> Modules:
    """Put the modules that explain most first."""
    return modules.kept(np.argsort(-np.sum(modules.loadings**2, axis=0), kind="stable"))


def _edges(task: Task, network: Network, found: Found, *, in_set: np.ndarray) -> pd.DataFrame:
    """Return the edges of all kinds, those of a kind strongest first."""
    d, graph, modules, data = task.data.n_genes, found.graph, found.modules, task.moments
    words = np.array([*task.data.store.genes, *_labels(modules.n_modules)], dtype=object)
    source, target = found.nodes[graph.source], found.nodes[graph.target]
    kind = np.where(source < d, ACTS, np.where(target < d, MOVES, AMONG))
    kept = kind != MOVES  # which loadings tell
    gene, module = np.nonzero(modules.loadings)
    loading = modules.loadings[gene, module]
    is_out = modules.set_of[module] >= 0
    is_out[is_out] = ~in_set[gene[is_out], modules.set_of[module[is_out]]]
    left = left_of_edges(data, modules, (network.source, network.target))
    direct = left > task.data.edge_costs(_of_lines(task.config))[network.target]
    parts = [
        (source[kept], target[kept], kind[kept], graph.weight[kept], graph.loss[kept], np.zeros(kept.sum(), bool)),
        (d + module, gene, MOVES, loading, _alone(loading, data), is_out),
        (
            *(network.source[direct], network.target[direct], DIRECT),
            *(network.edges["weight"].to_numpy(float)[direct], left[direct], np.zeros(direct.sum(), bool)),
        ),
    ]
    tables = [
        pd.DataFrame(dict(zip(MODULE_EDGE_COLUMNS, (words[s], words[t], *rest), strict=True))) for s, t, *rest in parts
    ]
    table = pd.concat(tables, ignore_index=True).astype({"outside": bool, "weight": float, "loss": float})
    table["kind"] = pd.Categorical(table["kind"], [AMONG, ACTS, DIRECT, MOVES], ordered=True)
    table = table.sort_values(["kind", "loss"], ascending=[True, False], kind="stable", ignore_index=True)
    return table.astype({"kind": str})


def _of_lines(config: Config) -> Config:
    """Return options with which the order search scores lines, whatever model the network is of."""
    options = {"model": DEFAULT, "fit.relax": False, "score.noise": "unequal", "score.non_gaussian": False}
    return config.with_options(options)


def _alone(loading: np.ndarray, data: Moments) -> np.ndarray:
    """Return the log-likelihood of a gene given one module with this loading, over that of the gene without."""
    nats: np.ndarray = -data.n_effective / 2 * np.log(np.maximum(1.0 - loading**2, 1e-3))
    return nats


def _modules(
    task: Task, found: Found, edges: pd.DataFrame, *, sets: GeneSets, seen: Sequence[str], factors: np.ndarray
) -> pd.DataFrame:
    """Describe every module by its genes, its regulators, its sets, and the hidden factor that it goes with."""
    modules, genes = found.modules, np.array(task.data.store.genes, dtype=object)
    members = modules.members
    _, q = enrichment(members, sets.sets)
    f1 = overlaps(members, sets.sets)
    acting = edges[edges["kind"] == ACTS].groupby("target")["source"].agg(list)
    outside = edges[edges["outside"]].groupby("source")["target"].agg(list)
    rows = []
    for k, label in enumerate(_labels(modules.n_modules)):
        line = np.argsort(-np.abs(modules.loadings[:, k]), kind="stable")
        own = genes[line[members[line, k]]].tolist()
        best = np.lexsort((-f1[k], q[k])) if len(sets.names) else np.empty(0, int)
        sure = [s for s in best if q[k, s] < SURE]
        regulators = acting.get(label, [])
        followed = seen[modules.set_of[k]] if modules.set_of[k] >= 0 else ""
        first = sure[0] if sure else None
        row = {
            "module": label,
            "name": followed or (sets.names[sure[0]] if sure else next(iter([*regulators, *own]), label)),
            "n_genes": len(own),
            "variance": float(np.sum(modules.loadings[:, k] ** 2) / len(genes)),
            "stability": float(modules.stability[k]),
            "regulators": ";".join(regulators),
            "genes": ";".join(own),
            "set": followed,
            "outside": ";".join(outside.get(label, [])),
            "enriched": ";".join(sets.names[s] for s in sure[:LISTED]),
            "overlap": 0 if first is None else int(np.sum(members[:, k] & sets.sets[:, first])),
            "f1": np.nan if first is None else float(f1[k, first]),
            "q": np.nan if first is None else float(q[k, first]),
            "factor": _factor(modules.scores[k], factors),
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(MODULE_COLUMNS))


def _factor(scores: np.ndarray, factors: np.ndarray) -> str:
    """Return the number of the hidden factor that a module goes with, from 1, or nothing."""
    if not len(factors):
        return ""
    shares = np.corrcoef(scores, factors)[0, 1:] ** 2
    return str(int(shares.argmax()) + 1) if shares.max() > SAME else ""


def _labels(number: int) -> list[str]:
    return [f"M{k:03d}" for k in range(1, number + 1)]
