"""One function per stage over the folder of a run, ``run`` for all of them, ``learn`` for arrays in memory.

A stage is finished when its file carries the key of its inputs: the prepared data, the options, and what it reads.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from acyclome._version import __version__
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.io.atomic import write_json, write_path
from acyclome.io.digest import input_digest
from acyclome.io.runs import DIFFERENTIAL, SHARED, RunFolder, fingerprint
from acyclome.io.store import GeneMajor, Store
from acyclome.io.tables import write_tsv
from acyclome.knowledge.shared import Shared
from acyclome.network import JointNetworks, Network
from acyclome.pipeline.dataset import Stage
from acyclome.pipeline.joint import learn_together
from acyclome.pipeline.learn import learn, learn_store
from acyclome.pipeline.resources import check_memory, estimate, estimate_models
from acyclome.pipeline.session import Runtime, Session, options_of
from acyclome.pipeline.stages import measured
from acyclome.prepare.checks import check_groups

__all__ = [
    "Runtime",
    "fit_stage",
    "learn",
    "learn_store",
    "merge_stage",
    "network_stage",
    "order_stage",
    "plan",
    "prepare_stage",
    "report_stage",
    "resample_stage",
    "run",
    "screen_stage",
    "shard_stage",
]


def run(
    input_path: str | os.PathLike[str], out: str | os.PathLike[str], config: Config, runtime: Runtime
) -> Network | dict[str, Network]:
    """Learn the network of an expression file and write the folder of the run; with ``group_by`` one per label.

    Raises
    ------
    InputError, MemoryLimitError
        If the input, an option, the folder or the memory will not do.
    """
    if config.input.joint and (config.input.group_by is None or config.input.group is not None):
        msg = "--input.joint true learns all labels of --group-by COLUMN together. Give that, and no --input.group."
        raise ConfigError(msg)
    if config.input.group_by is None or config.input.group is not None:
        return _run_one(input_path, Path(out), config, runtime)
    from acyclome.io.expression import open_expression
    from acyclome.prepare import list_groups

    column = config.input.group_by
    sizes = list_groups(open_expression(input_path, config.input.genes_as), column)
    check_groups(sizes, f"the column {column!r} (group_by)", "--input.group LABEL")
    with RunFolder.begin(out) as folder:
        folder.remove_results()
        folder.remove_stages()
        if config.input.joint:
            return _run_together(input_path, folder, config, runtime, list(sizes))
        return {
            label: _run_one(input_path, folder.group(label).path, config.with_options({"input.group": label}), runtime)
            for label in sizes
        }


def _run_together(
    input_path: str | os.PathLike[str], folder: RunFolder, config: Config, runtime: Runtime, labels: list[str]
) -> JointNetworks:
    """Learn groups together, each in its folder, the shared network in ``shared``; write their differences."""
    with ExitStack() as stack:
        stores = {}
        for label in labels:
            out = folder.group(label)
            prepare_stage(input_path, out.path, config.with_options({"input.group": label}), runtime=runtime)
            store = Store.open(out.stage("prepared.h5"))
            stack.callback(store.close)
            stores[label] = store

        def begin(label: str | None, store: GeneMajor, shared: Shared | None) -> Session:
            out = folder.group(SHARED if label is None else label)
            about = json.loads(folder.group(label or labels[0]).stage("config.json").read_text(encoding="utf-8"))
            if label is None:
                RunFolder.create(out.path)
            options = config.with_options({"input.group": label})
            return Session(out, options, store, runtime, about, shared=shared)

        networks = learn_together(stores, begin)
    write_tsv(folder.file(DIFFERENTIAL), networks.differential)
    for label in [SHARED, *labels]:
        report_stage(folder.group(label).path, runtime)
    return networks


def _run_one(input_path: str | os.PathLike[str], out: Path, config: Config, runtime: Runtime) -> Network:
    prepare_stage(input_path, out, config, runtime=runtime)
    with Session.open(out, runtime) as current:
        network = current.learn()
    report_stage(out, runtime)
    return network


def prepare_stage(
    input_path: str | os.PathLike[str], out: str | os.PathLike[str], config: Config, *, runtime: Runtime
) -> dict[str, Any]:
    """Read, filter and transform; writes ``stages/prepared.h5`` and ``stages/config.json``."""
    if not Path(input_path).exists():
        msg = f"There is no file {str(input_path)!r}. Check the path."
        raise InputError(msg)
    with RunFolder.begin(out) as folder:
        facts = _prepare(input_path, folder, config, runtime)
    if config.card is None:  # the choice is made once, before stages run side by side
        with Session.open(out, runtime):
            pass
    return facts


def _prepare(input_path: str | os.PathLike[str], folder: RunFolder, config: Config, runtime: Runtime) -> dict[str, Any]:
    from acyclome.prepare import prepare_to_store

    digest = input_digest(input_path)
    how = config.counts is not None, config.card is not None, config.keeps_values
    about = {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "config": config.model_dump(mode="json"),
        "input": {"path": str(input_path), "digest": digest},
        "key": fingerprint(__version__, digest, options_of(config, "input", "prepare"), *how, config.seed),
    }
    path, notes = folder.stage("prepared.h5"), folder.stage("config.json")
    earlier = json.loads(notes.read_text(encoding="utf-8")) if notes.exists() else {}
    if runtime.resume and earlier.get("key") == about["key"] and path.exists():
        _remove_earlier(folder, earlier, about)
        write_json(notes, {**about, "cost": earlier["cost"]})
        runtime.report("prepare", 1.0, "kept")
        return {"kept": True}
    runtime.report("prepare", 0.0, "reading and preparing")
    with write_path(path) as unfinished:  # what an earlier run left goes when the new store is whole, not before
        facts = measured(lambda: Stage({}, prepare_to_store(input_path, unfinished, config))).facts
        _remove_earlier(folder, earlier, about)
    write_json(notes, {**about, "cost": facts["cost"]})
    runtime.report("prepare", 1.0, f"{facts['n_vars']:,} genes, {facts['n_obs']:,} observations")
    check_memory(facts["n_vars"], facts["n_obs"], config, runtime.threads, runtime.memory, has_disk=True)
    return facts


def _remove_earlier(folder: RunFolder, earlier: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Remove results that were made with other options, and all stages if the data are prepared in another way."""
    folder.stage("config.json").unlink(missing_ok=True)
    if earlier.get("config") != about["config"] or earlier.get("key") != about["key"]:
        folder.remove_results()
    if earlier.get("key") != about["key"]:
        folder.remove_stages()


def screen_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Find the candidate causes; writes ``stages/screen.npz``."""
    with Session.open(out, runtime) as current:
        return current.screen().facts


def shard_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Cut the candidates into shards; writes ``stages/shard.npz``."""
    with Session.open(out, runtime) as current:
        return current.shard().facts


def fit_stage(out: str | os.PathLike[str], runtime: Runtime, part: int = 0, parts: int = 1) -> dict[str, Any]:
    """Fit the relaxation; writes ``stages/fit.npz``, or of a part of the shards ``stages/fit-K-of-N.npz``, K from 1.

    Raises
    ------
    InputError
        If `part` is not one of 0 to ``parts - 1``, or there are parts and no shards.
    """
    _check_part(part, parts, "fitting")
    with Session.open(out, runtime, is_part=parts > 1) as current:
        return current.fit(part, parts).facts


def merge_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Put together what the shards found; writes ``stages/fit.npz``."""
    with Session.open(out, runtime) as current:
        return current.merge().facts


def order_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Search the order; writes ``stages/order.npz``."""
    with Session.open(out, runtime) as current:
        return current.order().facts


def resample_stage(out: str | os.PathLike[str], runtime: Runtime, part: int = 0, parts: int = 1) -> dict[str, Any]:
    """Learn a part of the resamples; writes ``stages/resample-K-of-N.npz``, K from 1.

    Raises
    ------
    InputError
        If `part` is not one of 0 to ``parts - 1``.
    """
    _check_part(part, parts, "resampling")
    with Session.open(out, runtime) as current:
        return current.resample(part, parts).facts


def _check_part(part: int, parts: int, what: str) -> None:
    if not 0 <= part < parts:
        msg = f"part = {part} of parts = {parts} {what} jobs; expected a part from 0 to parts - 1."
        raise InputError(msg)


def network_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Put the stages together; writes the tables, ``network.h5ad`` and ``run.json``."""
    with Session.open(out, runtime) as current:
        facts: dict[str, Any] = current.network().facts["network"]
        return facts


def report_stage(out: str | os.PathLike[str], runtime: Runtime) -> dict[str, Any]:
    """Write ``report.html`` from the files of the run."""
    from acyclome.report import write_report

    runtime.report("report", 0.0)
    path = write_report(Path(out))
    runtime.report("report", 1.0, path.name)
    return {"report": str(path)}


def plan(input_path: str | os.PathLike[str], config: Config, runtime: Runtime) -> dict[str, Any]:
    """Say what a run would take: genes and observations after the filters, memory and time per stage.

    Which model ``auto`` will choose is not known before; ``models`` has memory and time of a run with each.
    """
    from acyclome.prepare import prepared_size

    n_obs, n_vars = prepared_size(input_path, config)
    facts = estimate(n_vars, n_obs, config, runtime.threads)
    if config.card is None:
        facts["models"] = estimate_models(n_vars, n_obs, config, runtime.threads)
    return facts
