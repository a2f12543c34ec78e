"""The command ``plan``: what a run would take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acyclome import wording
from acyclome.cli.options import RunOptions
from acyclome.cli.output import echo_json, format_table
from acyclome.cli.stages import input_file, require_exists

if TYPE_CHECKING:
    from acyclome.config import Config


@input_file
def plan(input_file: Path, config: Config, options: RunOptions) -> None:
    """Estimate genes, memory and time of a run, stage by stage, without starting it."""
    from acyclome.pipeline import commands

    require_exists(input_file)
    facts = commands.plan(input_file, config, options.runtime(None))
    if options.json:
        echo_json(facts)
    elif not options.quiet:
        click.echo(_plan_text(facts, on_card=options.device == "cuda"))


def _plan_text(facts: Mapping[str, Any], *, on_card: bool) -> str:
    times = {**facts["seconds"], "in all": facts["total_seconds"]}
    size = f"{facts['n_obs']:,} observations x {facts['n_genes']:,} genes, about {facts['memory_gb']:.1f} GB of memory"
    if on_card:
        size += f" and {facts['device_memory_gb']:.1f} GB of the GPU's"
    if facts["seconds_if_confounded"] > facts["total_seconds"]:
        times["in all, if many hidden causes are proposed"] = facts["seconds_if_confounded"]
    rows = [[name, f"about {wording.duration(spent)}"] for name, spent in times.items()]
    return f"{size}\n\n{format_table(['stage', 'time'], rows)}{_models_text(facts.get('models', {}))}"


def _models_text(models: Mapping[str, Mapping[str, float]]) -> str:
    """Say what a run takes with each of the models that may be chosen; empty where one is given."""
    if not models:
        return ""
    rows = [
        [name, f"about {wording.duration(one['total_seconds'])}", f"about {one['memory_gb']:.1f} GB"]
        for name, one in models.items()
    ]
    table = format_table(["model", "in all", "memory"], rows)
    return f"\n\nThe stages above are those of model {next(iter(models))}. Once the data have chosen:\n\n{table}"
