"""The commands that compute: ``run`` does everything on one file, the others are its stages, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from acyclome.cli.options import RunOptions
from acyclome.cli.output import echo_facts, echo_json, run_facts, run_text
from acyclome.cli.progress import choose_progress
from acyclome.errors import ConfigError, InputError

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.pipeline.commands import Runtime

InputFile = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT", help="Expression file: h5ad, zarr, 10x h5, folder with matrix.mtx, csv or tsv (.gz)."
    ),
]
NewFolder = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder for the results; made if need be.")
]
RunFolderArgument = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder of a run, as given to `prepare -o` or `run -o`.")
]


def run(input_file: InputFile, out: NewFolder, config: Config, options: RunOptions) -> None:
    """Learn the causal network of an expression file: everything from the file to the report."""
    run_whole(input_file, out, config, options)


def run_whole(input_file: Path, out: Path, config: Config, options: RunOptions) -> None:
    """Run the pipeline from the file to the report and tell the user what came out."""
    from acyclome.pipeline import commands

    require_exists(input_file)
    began = time.perf_counter()
    with choose_progress(quiet=options.quiet) as progress:
        networks = commands.run(input_file, out, config, options.runtime(progress))
    facts = run_facts(networks, out, time.perf_counter() - began)
    if options.json:
        echo_json(facts)
    elif not options.quiet:
        typer.echo(run_text(facts))


def prepare(input_file: InputFile, out: NewFolder, config: Config, options: RunOptions) -> None:
    """Read, filter and transform the expression file, and keep it in OUT/stages with all options."""
    from acyclome.pipeline import commands

    require_exists(input_file)
    if config.input.joint:
        msg = "joint learns groups together, which `acyclome run` does; stages learn one network. Leave it out here."
        raise ConfigError(msg)
    _stage("prepare", options, lambda runtime: commands.prepare_stage(input_file, out, config, runtime=runtime))


def screen(out: RunFolderArgument, options: RunOptions) -> None:
    """Find the candidate causes of every gene."""
    from acyclome.pipeline import commands

    _stage("screen", options, lambda runtime: commands.screen_stage(out, runtime))


def shard(out: RunFolderArgument, options: RunOptions) -> None:
    """Cut the candidates into overlapping shards, as many as --shards or --shard-memory of `prepare` say."""
    from acyclome.pipeline import commands

    _stage("shard", options, lambda runtime: commands.shard_stage(out, runtime))


def fit(
    out: RunFolderArgument,
    options: RunOptions,
    part: Annotated[int, typer.Option(min=1, help="Which part of the shards to fit, from 1 to --parts.")] = 1,
    parts: Annotated[
        int, typer.Option(min=1, help="Number of parts the shards are divided into, for several jobs.")
    ] = 1,
) -> None:
    """Fit the continuous relaxation (NOTEARS) on the candidates, or on each shard of them."""
    _check_part(part, parts)
    from acyclome.pipeline import commands

    _stage("fit", options, lambda runtime: commands.fit_stage(out, runtime, part=part - 1, parts=parts))


def merge(out: RunFolderArgument, options: RunOptions) -> None:
    """Put together what the shards found, for the order search to start from."""
    from acyclome.pipeline import commands

    _stage("merge", options, lambda runtime: commands.merge_stage(out, runtime))


def order(out: RunFolderArgument, options: RunOptions) -> None:
    """Search the order of the genes and choose each gene's causes by the score."""
    from acyclome.pipeline import commands

    _stage("order", options, lambda runtime: commands.order_stage(out, runtime))


def resample(
    out: RunFolderArgument,
    options: RunOptions,
    part: Annotated[int, typer.Option(min=1, help="Which part of the resamples to compute, from 1 to --parts.")] = 1,
    parts: Annotated[
        int, typer.Option(min=1, help="Number of parts the resamples are divided into, for several jobs.")
    ] = 1,
) -> None:
    """Learn half-samples anew, to see which edges return."""
    _check_part(part, parts)
    from acyclome.pipeline import commands

    _stage("resample", options, lambda runtime: commands.resample_stage(out, runtime, part=part - 1, parts=parts))


def _check_part(part: int, parts: int) -> None:
    if part > parts:
        msg = f"--part {part} is beyond --parts {parts}; parts are counted from 1 to the number of parts."
        raise InputError(msg)


def network(out: RunFolderArgument, options: RunOptions) -> None:
    """Put the stages together: write the edges, the ranking, the genes and run.json."""
    from acyclome.pipeline import commands

    _stage("network", options, lambda runtime: commands.network_stage(out, runtime))


def report(out: RunFolderArgument, options: RunOptions) -> None:
    """Write OUT/report.html from the files of the run."""
    from acyclome.pipeline import commands

    _stage("report", options, lambda runtime: commands.report_stage(out, runtime))


def require_exists(path: Path) -> None:
    """Refuse a path that is not there, with the nearest names beside it.

    Raises
    ------
    InputError
        If nothing is at `path`.
    """
    if path.exists():
        return
    import difflib

    beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3)
    where = f"the folder {path.parent}" + ("" if path.parent.is_dir() else ", which does not exist either")
    hint = f" Did you mean {' or '.join(near)}?" if near else " Check the name and the folder."
    msg = f"There is no file {path.name!r} in {where}.{hint}"
    raise InputError(msg)


def _stage(name: str, options: RunOptions, work: Callable[[Runtime], Mapping[str, Any] | None]) -> None:
    began = time.perf_counter()
    with choose_progress(quiet=options.quiet) as progress:
        facts = work(options.runtime(progress))
    whole = {"stage": name, "seconds": round(time.perf_counter() - began, 3), **(facts or {})}
    if options.json:
        echo_json(whole)
    elif not options.quiet:
        echo_facts(whole)
