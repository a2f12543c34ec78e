"""The part of the command ``simulate`` that draws an atlas: sparse counts, written as they are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from acyclome.errors import InputError

_TAKEN = {"output", "genes", "observations", "degree", "factors", "seed", "filled", "atlas", "json"}


def simulate_atlas(output: Path, size: tuple[int, int], settings: dict[str, Any]) -> dict[str, Any]:
    """Draw and write an atlas, its true network and its regulators; return what was written."""
    import pandas as pd

    from acyclome.evaluate.atlas import Atlas
    from acyclome.io.atomic import check_no_folder, write_text
    from acyclome.io.growing import write_rows
    from acyclome.io.tables import write_tsv

    _check(output, size[1])
    check_no_folder(output)
    asked: dict[str, Any] = {key: settings[key] for key in ("degree", "filled", "seed") if key in settings}
    try:
        atlas = Atlas.draw(size[0], programs=settings["factors"], **asked)
    except ValueError as error:
        msg = f"This cannot be simulated: {error} See `acyclome simulate --help`."
        raise InputError(msg) from error
    genes = pd.Index([f"G{gene}" for gene in range(size[0])], name="gene")
    obs = pd.DataFrame(index=[f"C{cell}" for cell in range(size[1])])
    uns = {"simulation": dict(asked, atlas=True, factors=settings["factors"])}
    edges, truth = atlas.edges, output.with_suffix(".truth.tsv")
    names = genes.to_numpy()
    table = {"source": names[edges.source], "target": names[edges.target], "weight": edges.weight}
    write_tsv(truth, pd.DataFrame(table))
    listed = output.with_suffix(".regulators.txt")
    write_text(listed, "".join(f"{name}\n" for name in names[sorted(atlas.regulators)]))
    stored = write_rows(output, atlas.blocks(size[1]), obs=obs, var=pd.DataFrame(index=genes), uns=uns)
    files = {"expression": str(output), "truth": str(truth), "regulators": str(listed)}
    facts: dict[str, Any] = {"genes": size[0], "observations": size[1], "edges": len(edges.source)}
    return facts | {"filled": stored / (size[0] * size[1]), **files}


def _check(output: Path, n_cells: int) -> None:
    if output.suffix not in (".h5ad", ".zarr"):
        msg = f"An atlas is written as AnnData; {output.name!r} must end in .h5ad or .zarr, such as {output.stem}.zarr."
        raise InputError(msg)
    if n_cells < 2:
        msg = f"observations = {n_cells}; expected 2 or more. See `acyclome simulate --help`."
        raise InputError(msg)
    context = click.get_current_context()
    other = [
        f"--{'standardize' if name == 'standardised' else name.replace('_', '-')}"
        for name in context.params
        if name not in _TAKEN and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if other:
        msg = f"{', '.join(other)} do not go with --atlas, whose cells are drawn by one stated law. Leave them out."
        raise InputError(msg)
