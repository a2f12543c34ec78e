"""The command ``demo``: a real data set without a download, written as a file and learned from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.options import FILE, RunOptions
from acyclome.cli.stages import overwrite_flag, run
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.config import Config


@cloup.option("-o", "--out", type=FILE, metavar="FOLDER", help="Folder for the data and the results.")
@cloup.option("--data-only", type=FILE, metavar="FILE", help="Write only the expression file, and learn nothing.")
@overwrite_flag
def demo(config: Config, options: RunOptions, *, out: Path | None, data_only: Path | None, overwrite: bool) -> None:
    """Learn a network of 700 blood cells that come with scanpy, within their types: a result without a download."""
    if (out is None) == (data_only is None):
        msg = "demo needs either -o FOLDER (data, network and report) or --data-only FILE (the expression file alone)."
        raise InputError(msg)
    if data_only is not None:
        write_demo_data(data_only)
        if not options.quiet:
            click.echo(
                f"{data_only}: 700 cells x 765 genes; log-normalised values in raw, scaled ones in X", err=options.json
            )
    elif out is not None:
        source = out / "pbmc68k_reduced.h5ad"
        if not source.exists():
            write_demo_data(source)
        run(source, out, overwrite=overwrite, config=_believable(config), options=options)


def _believable(config: Config) -> Config:
    """Return options by which the example shows regulation, where the user has not chosen others.

    Not X, which holds scaled values; transcription factors as causes; and what cell types have in common taken out,
    else genes that mark the same type are joined to one another.
    """
    asked = config.input
    chosen: dict[str, Any] = {}
    if asked.layer is None:
        chosen["input.layer"] = "raw"
    if config.knowledge.regulators is None:
        chosen["knowledge.regulators"] = "human"
    if not config.prepare.covariates and asked.group_by is None:
        chosen["prepare.covariates"] = ["louvain"]
    return config.with_options(chosen)


def write_demo_data(path: Path) -> None:
    """Write scanpy's packaged pbmc68k_reduced as h5ad: X scaled, raw log-normalised, cell types in obs."""
    import scanpy

    from acyclome.io.hdf5 import write_adata

    if path.suffix != ".h5ad":
        msg = f"The file {path.name!r} would hold AnnData; give it a name that ends in .h5ad."
        raise InputError(msg)
    write_adata(path, scanpy.datasets.pbmc68k_reduced(), compression="gzip")
