"""Work over the folder of a run: its preparation, one stage, or all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from acyclome._version import __version__
from acyclome.config import Config
from acyclome.core.workers import one_blas_thread
from acyclome.errors import ConfigError, InputError
from acyclome.io.atomic import remove, write_path
from acyclome.io.digested import fingerprint
from acyclome.io.lock import part_of_folder, whole_folder
from acyclome.io.matrices import COUNTS
from acyclome.io.names import DIFFERENTIAL, GROUPS
from acyclome.io.runs import PERMUTED, RunFolder, input_digest
from acyclome.io.store import Store
from acyclome.knowledge.beforehand import check_files
from acyclome.knowledge.lists import is_shipped
from acyclome.knowledge.regulators import find_regulators
from acyclome.pipeline.clusters import whole_run
from acyclome.pipeline.doors import Door, Label
from acyclome.pipeline.durations import CHECKED_OBSERVATIONS, CHECKED_ROUNDS, Filled
from acyclome.pipeline.jobs import job_needs
from acyclome.pipeline.keys import Part, options_of
from acyclome.pipeline.resources import check_memory, estimate, estimate_models
from acyclome.pipeline.session import Session, report, report_if_possible
from acyclome.pipeline.speed import known_rates
from acyclome.pipeline.task import Runtime, measured
from acyclome.prepare.checks import check_groups

if TYPE_CHECKING:
    from acyclome.network import Network

__all__ = ["STAGES", "Runtime", "borne_out", "group_sizes", "plan", "prepare_stage", "run", "run_stage"]


def run(
    input_path: str | os.PathLike[str], out: str | os.PathLike[str], config: Config, runtime: Runtime
) -> Network | dict[str, Network]:
    """Learn the network of an expression file and write the folder of the run; with ``group_by`` one per label."""
    from acyclome.io.run_tables import groups_table
    from acyclome.io.tables import write_tsv
    from acyclome.network import JointNetworks
    from acyclome.pipeline.groups import check_joint, learn_groups

    RunFolder(out).check_apart(input_path, "The input")
    sizes = _groups(input_path, config)
    labels: list[Label] = list(sizes) or [None]
    if config.input.joint:
        check_joint(config, labels)
    with ExitStack() as stack:
        folder = stack.enter_context(RunFolder.begin(out))
        runtime = stack.enter_context(whole_run(runtime))
        if sizes:  # groups have folders of their own; an earlier run of the whole would stand beside them
            folder.remove_results()
            folder.remove_stages()
            write_tsv(folder.file(GROUPS), groups_table(sizes))

        def folder_of(label: Label) -> RunFolder:
            return folder if label is None else RunFolder.create(folder.group(label).path)

        def about(label: Label) -> Mapping[str, Any]:
            return folder_of(label).read_notes()

        def open_store(label: Label) -> Store:
            options = config if label is None else config.with_options({"input.group": label})
            stack.enter_context(whole_folder(folder_of(label).path))
            _prepare(input_path, folder_of(label).path, options, runtime=runtime)
            return stack.enter_context(Store.open(folder_of(label).stage("prepared.h5")))

        networks = learn_groups(labels, Door(open_store, about, folder_of), config, runtime=runtime)
        if isinstance(networks, JointNetworks):
            write_tsv(folder.file(DIFFERENTIAL), networks.differential)
        if sizes:
            report_if_possible(folder, runtime)  # the groups beside one another
    return networks if sizes else networks[None]


def _groups(input_path: str | os.PathLike[str], config: Config) -> dict[str, int]:
    """Return the groups that each get a network, with their numbers of observations; none where the whole gets one."""
    column = config.input.group_by
    if column is None or config.input.group is not None:
        return {}
    return group_sizes(input_path, column, config.input.genes_as)


def group_sizes(
    input_path: str | os.PathLike[str], column: str, genes_as: Literal["columns", "rows"] = "columns"
) -> dict[str, int]:
    """Return the labels of a column of the observations, each with how many it has; refuse such that are too small."""
    from acyclome.io.expression import open_expression
    from acyclome.prepare import list_groups

    sizes = list_groups(open_expression(input_path, genes_as), column)
    check_groups(sizes, f"the column {column!r} (group_by)", "--input.group LABEL")
    return sizes


def prepare_stage(
    input_path: str | os.PathLike[str], out: str | os.PathLike[str], config: Config, *, runtime: Runtime
) -> dict[str, Any]:
    """Read, filter and transform; writes ``stages/prepared.h5`` and ``stages/config.json``.

    Of model auto it also chooses the model, once, before stages run side by side; writes ``stages/choose.npz``.
    """
    if config.input.joint:
        msg = "joint learns groups together, which `acyclome run` does; stages learn one network. Leave it out here."
        raise ConfigError(msg)
    if config.input.group_by is not None and config.input.group is None:
        msg = (
            f"group_by ({config.input.group_by!r}) without group asks for a network of every label, which `acyclome "
            "run` learns; stages learn one network. Name its label: --input.group LABEL, or leave group_by out."
        )
        raise ConfigError(msg)
    check_files(config.knowledge)
    RunFolder(out).check_apart(input_path, "The input")
    with RunFolder.begin(out):
        facts = _prepare(input_path, out, config, runtime=runtime)
        if config.card is None:
            with Session.open(out, runtime) as session:
                session.choose()
    return facts


def _prepare(
    input_path: str | os.PathLike[str], out: str | os.PathLike[str], config: Config, *, runtime: Runtime
) -> dict[str, Any]:
    from acyclome.io.expression import find_reader
    from acyclome.prepare import prepare_to_store

    find_reader(input_path)
    with RunFolder.begin(out) as folder:
        digest = input_digest(input_path)
        # Of all other options only these properties reach the preparation: a change of the rest keeps the store.
        how = config.counts is not None, config.card is not None, config.keeps_values, _kept(config)
        key = fingerprint(__version__, digest, options_of(config, "input", "prepare"), *how, config.seed)
        about = {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "config": config.model_dump(mode="json"),
            "input": {"path": str(input_path), "digest": digest},
            "version": __version__,
            "key": key,
        }
        path, notes = folder.stage("prepared.h5"), folder.stage("config.json")
        earlier = folder.read_notes() if notes.exists() else {}
        if runtime.resume and earlier.get("key") == key and path.exists():
            _remove_earlier(folder, earlier, about)
            _permute(input_path, folder, config, key=key)
            folder.write_notes({**about, "cost": earlier["cost"], "jobs": _job_needs(path, config)})
            runtime.report("prepare", 1.0, "kept")
            return {"kept": True}
        runtime.report("prepare", 0.0, "reading and preparing")
        with write_path(path) as unfinished:  # what an earlier run left goes when the new store is whole, not before
            facts, cost = measured(lambda: prepare_to_store(input_path, unfinished, config))
            _remove_earlier(folder, earlier, about)
        _permute(input_path, folder, config, key=key)
        about["cost"], about["jobs"] = cost, _job_needs(path, config)
        folder.write_notes(about)  # last: with it the preparation is done
        d, n = facts["n_vars"], facts["n_obs"]
        text = f"{d:,} genes, {n:,} observations; matrix {facts['matrix']}, {facts['kind']}"
        # What was decided on totals and on what is missing.
        scaled = [step["what"] for step in facts["steps"] if "effective_genes" in step or step["step"] == "missing"]
        runtime.report("prepare", 1.0, "; ".join([text, *scaled]))
        # Said now, before stages are submitted as jobs that would fail one by one.
        check_memory(d, n, config, threads=runtime.threads, memory=runtime.memory, has_disk=True)
        return {**facts, "cost": cost}


def _kept(config: Config) -> str:
    """Return a digest of the regulators that stay beside the most variable genes; empty where there are none."""
    listed = config.knowledge.regulators
    if config.prepare.n_top_genes is None or listed is None:
        return ""
    return listed if is_shipped(listed) else input_digest(listed)


def _job_needs(path: Path, config: Config) -> dict[str, dict[str, float]]:
    with Store.open(path) as store:
        return job_needs(store.n_vars, store.n_obs, config, filled=Filled.of(store.seen, store.n_obs))


def _permute(input_path: str | os.PathLike[str], folder: RunFolder, config: Config, *, key: str) -> None:
    """Write what preparation makes of permuted counts, which the checks of the network ask for, unless it is there.

    Without counts or checks nothing is in it, so that a workflow can tell beforehand which files there will be.
    """
    from acyclome.prepare.permuted import permuted_to_store

    path, genes = folder.stage(PERMUTED), _permuted_genes(folder, config)
    made = fingerprint(key, genes, CHECKED_OBSERVATIONS, CHECKED_ROUNDS)
    with suppress(InputError), Store.open(path) as store:  # one that is damaged is made anew
        if store.facts.get("key") == made:
            store.obs_columns  # noqa: B018 - which may be damaged, too
            return
    permuted_to_store(
        input_path, path, config, genes=genes, n_obs=CHECKED_OBSERVATIONS, rounds=CHECKED_ROUNDS, key=made
    )


def _permuted_genes(folder: RunFolder, config: Config) -> list[str]:
    """Draw the genes whose counts are permuted, as the check draws those that it learns from."""
    with Store.open(folder.stage("prepared.h5")) as store:
        if not config.validation.checks or store.facts["kind"] != COUNTS:
            return []
        from acyclome.pipeline.validation import draw_genes

        sources, _ = find_regulators(store.genes, None, config.knowledge.regulators, symbols=store.symbols)
        drawn = draw_genes(sources & ~sources.all(), np.random.default_rng(config.seed))
        return [store.genes[k] for k in drawn]


def _remove_earlier(folder: RunFolder, earlier: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Remove results that were made with other options, and all stages if the data are prepared in another way."""
    is_other = earlier.get("key") != about["key"]
    if is_other:
        remove(folder.stage("config.json"))  # first: stages without it are those of no run
    if is_other or earlier.get("config") != about["config"]:
        folder.remove_results()
    if is_other:
        folder.remove_stages()


# The stages after ``prepare``, each of which reads what those before it left in the folder of the run.
STAGES: dict[str, Callable[[Session, Part], Mapping[str, Any]]] = {
    "screen": lambda session, _: session.screen().facts,
    "shard": lambda session, _: session.shard().facts,
    "fit": lambda session, part: session.fit(part).facts,
    "merge": lambda session, _: session.merge().facts,
    "order": lambda session, _: session.order().facts,
    "resample": lambda session, part: session.resample(part).facts,
    "network": lambda session, _: session.network().facts["network"],
}


def run_stage(
    name: str, out: str | os.PathLike[str], runtime: Runtime, *, part: int = 0, parts: int = 1
) -> dict[str, Any]:
    """Run one stage, or a part of it where several jobs share it; return its facts.

    It writes ``stages/NAME.npz``; parts of ``fit`` (the shards) and of ``resample`` write ``stages/NAME-K-of-N.npz``, K
    from 1, ``merge`` writes ``stages/fit.npz``, ``network`` the tables, ``network.h5ad`` and ``run.json``, and
    ``report`` its page.
    """
    if not 0 <= part < parts:
        msg = f"part = {part} of parts = {parts} jobs; expected a part from 0 to parts - 1."
        raise InputError(msg)
    work = name if parts == 1 else f"{name}-{part + 1}-of-{parts}"
    with ExitStack() as stack:
        if RunFolder(out).path.is_dir():  # of one that is not there it is said below
            stack.enter_context(part_of_folder(RunFolder(out).path, work))
        if name == "report":
            return {"report": str(report(RunFolder(out), runtime))}
        runtime = stack.enter_context(whole_run(runtime))
        session = stack.enter_context(Session.open(out, runtime, is_part=name == "fit" and parts > 1))
        return dict(STAGES[name](session, Part(part, parts)))


def borne_out(out: str | os.PathLike[str], runtime: Runtime, edges: int | None = None) -> list[dict[str, Any]]:
    """Score a finished run, beside simpler methods of as many edges, by cells that none of them was learned from."""
    with Session.open(out, runtime) as session, one_blas_thread():
        return session.borne_out(edges)


def plan(input_path: str | os.PathLike[str], config: Config, runtime: Runtime) -> dict[str, Any]:
    """Say what a run would take: genes and observations after the filters, memory and time per stage.

    Times are those of this machine where it was measured (:mod:`acyclome.pipeline.speed`).
    Which model ``auto`` will choose is not known before; ``models`` has memory and time of a run with each.
    """
    from acyclome.prepare import prepared_size

    size = prepared_size(input_path, config)
    filled = Filled.of(size.seen, size.n_obs, read=(size.genes_read, size.values_read))
    given: dict[str, Any] = {"threads": runtime.threads, "rates": known_rates(), "filled": filled}
    facts = estimate(size.n_vars, size.n_obs, config, **given)
    if config.card is None:
        facts["models"] = estimate_models(size.n_vars, size.n_obs, config, **given)
    return facts
