"""The commands that compute: ``run`` does everything on one file, the others are its stages, one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.options import FILE, RunOptions
from acyclome.cli.output import echo_facts, echo_json, run_facts, run_text, say
from acyclome.cli.progress import Progress
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.config import Config
    from acyclome.pipeline.commands import Runtime

input_file = cloup.argument(
    "input_file",
    metavar="INPUT",
    type=FILE,
    help="Expression file: h5ad, zarr, 10x h5, folder with matrix.mtx, csv or tsv (.gz).",
)
new_folder = cloup.option(
    "-o", "--out", metavar="FOLDER", type=FILE, required=True, help="Folder for the results; made if need be."
)
run_folder = cloup.argument(
    "out", metavar="OUT", type=FILE, help="Folder of a run, as given to `prepare -o` or `run -o`."
)
STAGES = {
    "screen": "Find the candidate causes of every gene.",
    "shard": "Cut the candidates into overlapping shards: --shards or --shard.shard-memory of `prepare` say how many.",
    "fit": "Fit the continuous relaxation (NOTEARS) on the candidates, or on each shard of them.",
    "merge": "Put together what the shards found, for the order search to start from.",
    "order": "Search the order of the genes and choose each gene's causes by the score.",
    "resample": "Learn half-samples anew, to see which edges return.",
    "network": "Put the stages together: write the edges, the ranking, the genes and run.json.",
    "report": "Write OUT/report.html from the files of the run.",
}
IN_PARTS = {"fit": "shards", "resample": "resamples"}  # the stages that several jobs may share, and what they share


overwrite_flag = cloup.option("--overwrite", is_flag=True, help="Replace the finished network of an earlier run.")


@input_file
@new_folder
@overwrite_flag
def run(input_file: Path, out: Path, *, overwrite: bool, config: Config, options: RunOptions) -> None:
    """Learn the causal network of an expression file: everything from the file to the report."""
    from acyclome.io.runs import RunFolder
    from acyclome.pipeline import commands

    require_exists(input_file)
    if not overwrite and RunFolder(out).is_finished(config.model_dump(mode="json"), input_file):
        options = replace(options, resume=True)
    began = time.perf_counter()
    with Progress(quiet=options.quiet) as progress:
        networks = commands.run(input_file, out, config, options.runtime(progress))
    facts = run_facts(networks, out, time.perf_counter() - began)
    if options.json:
        echo_json(facts)
    elif not options.quiet:
        say(run_text(facts))


@input_file
@new_folder
def prepare(input_file: Path, out: Path, *, config: Config, options: RunOptions) -> None:
    """Read, filter and transform the expression file, and keep it in OUT/stages with all options."""
    from acyclome.pipeline import commands

    require_exists(input_file)
    _tell("prepare", options, lambda runtime: commands.prepare_stage(input_file, out, config, runtime=runtime))


def stage(name: str) -> Callable[..., None]:
    """Return the command of a stage that reads what the stages before it left in the folder of the run."""

    def work(out: Path, options: RunOptions, *, part: int = 1, parts: int = 1, show: bool = False) -> None:
        from acyclome.pipeline import commands

        if part > parts:
            msg = f"--part {part} is beyond --parts {parts}; parts are counted from 1 to the number of parts."
            raise InputError(msg)
        # Users count from 1, as schedulers number the jobs of an array.
        share = {"part": part - 1, "parts": parts} if name in IN_PARTS else {}
        _tell(name, options, lambda runtime: commands.run_stage(name, out, runtime, **share))
        if show:
            show_page(out / "report.html")

    work.__doc__ = STAGES[name]
    if name in IN_PARTS:
        whole, count = IN_PARTS[name], click.IntRange(1)
        share_of = f"Number of parts the {whole} are divided into, for several jobs."
        work = cloup.option("--parts", type=count, default=1, help=share_of)(work)
        work = cloup.option("--part", type=count, default=1, help=f"Which part of the {whole} to do, from 1.")(work)
    if name == "report":
        work = cloup.option("show", "--open", is_flag=True, help="Show it in a browser.")(work)
    return run_folder(work)


def show_page(page: Path) -> None:
    """Open a page in the browser; where there is none, say where the page is."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        click.echo(f"No browser was found here. Open {page.resolve()} in one, or copy it to where one is.", err=True)


def require_exists(path: Path) -> None:
    """Refuse a path that is not there, with the nearest names beside it."""
    if path.exists():
        return
    import difflib

    if path.is_symlink():
        msg = (
            f"{str(path)!r} is a link to {str(path.readlink())!r}, which is not there. Link it anew, or give the file."
        )
        raise InputError(msg)
    beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, n=3)  # as many as fit on a line
    where = f"the folder {str(path.parent.absolute())!r}"
    where += "" if path.parent.is_dir() else ", which does not exist either"
    hint = f" Did you mean {' or '.join(near)}?" if near else " Check the name and the folder."
    msg = f"There is no file {path.name!r} in {where}.{hint}"
    raise InputError(msg)


def _tell(name: str, options: RunOptions, work: Callable[[Runtime], Mapping[str, Any] | None]) -> None:
    began = time.perf_counter()
    with Progress(quiet=options.quiet) as progress:
        facts = work(options.runtime(progress))
    whole = {"stage": name, "seconds": round(time.perf_counter() - began, 3), **(facts or {})}
    if options.json:
        echo_json(whole)
    elif not options.quiet:
        echo_facts(whole)
