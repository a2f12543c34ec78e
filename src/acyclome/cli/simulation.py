"""The command ``simulate``: expression with a known network, and what hides the network in real data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.atlas import simulate_atlas
from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_facts, echo_json
from acyclome.errors import InputError

if TYPE_CHECKING:
    from acyclome.evaluate.simulate import Simulation

_DATA = cloup.OptionGroup("Network and data")
_MECHANISM = cloup.OptionGroup("Mechanism")
_FACTORS = cloup.OptionGroup("Hidden factors", help="Cell state, batch or depth, which move many genes at once.")
_COUNTS = cloup.OptionGroup(
    "Counts of latent expression", help="The network is among latent values; molecules show it."
)
_ATLAS = cloup.OptionGroup("Atlas", help="Droplets by the million, drawn and written block by block.")
# The option that asks for a part of the simulation, and those that say more of that part: by the fields they fill.
_PARTS: dict[str, dict[str, str]] = {
    "mechanism": {
        "activity_noise": "activity_noise",
        "cooperativity": "cooperativity",
        "kinetic_noise": "noise",
    },
    "factors": {"factor_share": "share", "factor_coverage": "coverage", "factor_kind": "kind"},
    "counts": {
        "depth": "depth",
        "count_spread": "spread",
        "dispersion": "dispersion",
        "size_spread": "size_spread",
        "dominant": "dominant",
        "normalize": "is_normalized",
    },
}


@cloup.option(
    *("-o", "--output"),
    type=FILE,
    required=True,
    metavar="FILE",
    group=_DATA,
    help="To write; its name ends in .h5ad (or .zarr, of an atlas).",
)
@cloup.option("--genes", default=100, metavar="N", group=_DATA, help="Number of genes, at least 2.")
@cloup.option("--observations", default=1000, metavar="N", group=_DATA, help="Number of cells or samples, at least 2.")
@cloup.option(
    *("--graph",),
    default="er",
    metavar="er|scale-free|hub",
    group=_DATA,
    help="Edges anywhere, with few big causes, or like gene regulation.",
)
@cloup.option("--degree", default=2.0, metavar="X", group=_DATA, help="Edges per gene.")
@cloup.option(
    *("--noise",),
    default="gauss",
    metavar="NAME",
    group=_DATA,
    help="Law of the noise: gauss, exp, gumbel, uniform, laplace; or negative-binomial: counts that cause counts.",
)
@cloup.option(
    "--measurement-noise",
    default=0.0,
    metavar="X",
    group=_DATA,
    help="Error of what is observed, as a share of each gene's sd.",
)
@cloup.option(
    "--hidden",
    default=0.0,
    metavar="X",
    group=_DATA,
    help="Share of the causes that is left out of the file, from 0 to below 1.",
)
@cloup.option(
    "standardised", "--standardize", is_flag=True, group=_DATA, help="Bring every gene to mean 0 and variance 1."
)
@cloup.option("--seed", default=0, type=click.IntRange(0), group=_DATA, help="Seed of every random draw.")
@cloup.option(
    *("--mechanism",),
    default="linear",
    metavar="linear|hill",
    group=_MECHANISM,
    help="hill: targets saturate in the activity of their regulators; the file has log expression.",
)
@cloup.option(
    *("--activity-noise",),
    type=float,
    metavar="X",
    group=_MECHANISM,
    help="Of hill: how far activity strays from expression, as a share of its sd. Default: 0.",
)
@cloup.option("--cooperativity", type=float, metavar="X", group=_MECHANISM, help="Hill coefficient. Default: 2.")
@cloup.option(
    *("--kinetic-noise",),
    metavar="multiplicative|additive",
    group=_MECHANISM,
    help="Of hill. additive: variance as the mean. Default: multiplicative.",
)
@cloup.option("--factors", default=0, metavar="N", group=_FACTORS, help="How many; the k-th takes 1/k of the first.")
@cloup.option(
    *("--factor-share",), type=float, metavar="X", group=_FACTORS, help="Mean share of a gene's variance. Default: 0.5."
)
@cloup.option(
    *("--factor-coverage",),
    type=float,
    metavar="X",
    group=_FACTORS,
    help="Share of the genes that each loads on. Default: 1.",
)
@cloup.option(
    *("--factor-kind",),
    metavar="state|batch|depth",
    group=_FACTORS,
    help="Continuous, two batches each, or all genes up together. Default: state.",
)
@cloup.option("--counts", metavar="poisson|negative-binomial", group=_COUNTS, help="Write counts, by this law.")
@cloup.option(
    *("--depth",),
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    group=_COUNTS,
    help="Range of the mean counts of genes. Default: 0.5 5.",
)
@cloup.option(
    *("--count-spread",),
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    group=_COUNTS,
    help="Range of the sd of log means that latent expression makes. Default: 0.3 0.8.",
)
@cloup.option(
    *("--dispersion",),
    type=float,
    nargs=2,
    metavar="LOW HIGH",
    group=_COUNTS,
    help="Range, of negative-binomial. Default: 0.1 0.5.",
)
@cloup.option(*("--size-spread",), type=float, metavar="X", group=_COUNTS, help="Sd of log size factors. Default: 0.3.")
@cloup.option(
    *("--dominant",),
    type=float,
    metavar="X",
    group=_COUNTS,
    help="Share of all counts that one gene carries, below 1. Default: no such gene.",
)
@cloup.option(
    *("--normalize",),
    is_flag=True,
    default=None,
    group=_COUNTS,
    help="Write log(1 + y) at equal totals of the cells; the counts go to the layer counts.",
)
@cloup.option(
    *("--atlas",),
    is_flag=True,
    group=_ATLAS,
    help="Sparse counts of any number of cells; goes with --genes, --observations, --degree, --factors and --seed.",
)
@cloup.option(*("--filled",), type=float, metavar="X", group=_ATLAS, help="Share of the matrix above 0. Default: 0.03.")
@json_flag
def simulate(*, output: Path, genes: int, observations: int, json: bool, **settings: Any) -> None:
    """Write simulated expression (FILE.h5ad) and, beside it, the network it came from (FILE.truth.tsv).

    Latent values that counts show go to the layer latent, scores and loadings of hidden factors to obsm and varm.
    """
    typed = {key: value for key, value in settings.items() if value is not None}
    is_atlas = typed.pop("atlas") or "filled" in typed
    facts = (simulate_atlas if is_atlas else _simulate)(output, (genes, observations), typed)
    (echo_json if json else echo_facts)(facts)


def _simulate(output: Path, size: tuple[int, int], settings: dict[str, Any]) -> dict[str, Any]:
    from acyclome.evaluate import simulate as simulation
    from acyclome.io.atomic import check_no_folder

    if output.suffix != ".h5ad":
        msg = f"Simulated data are written as AnnData; {output.name!r} must end in .h5ad, such as {output.stem}.h5ad."
        raise InputError(msg)
    check_no_folder(output)
    try:
        drawn = simulation.simulate(*size, **_parts(settings))
    except ValueError as error:
        msg = f"This cannot be simulated: {error} See `acyclome simulate --help`."
        raise InputError(msg) from error
    counts = {"genes": len(drawn.genes), "observations": len(drawn.X), "edges": len(drawn.source)}
    return counts | {key: str(path) for key, path in _write_simulation(drawn, output, settings).items()}


def _parts(settings: dict[str, Any]) -> dict[str, Any]:
    """Turn what was typed into what `simulate` takes: the parts that were asked for become objects."""
    from acyclome.evaluate.factors import Factors
    from acyclome.evaluate.observations import Values
    from acyclome.evaluate.ranges import check_name
    from acyclome.evaluate.simulate import MECHANISMS
    from acyclome.evaluate.umi import COUNT_LAWS

    mechanism, law, number = settings["mechanism"], settings.get("counts"), settings["factors"]
    check_name("mechanism", mechanism, MECHANISMS)
    check_name("counts", law or next(iter(COUNT_LAWS)), COUNT_LAWS)
    how, seen = MECHANISMS[mechanism], Values if law is None else COUNT_LAWS[law]
    parts = {*_PARTS, *(option for options in _PARTS.values() for option in options)}
    plain = {key: value for key, value in settings.items() if key not in parts}
    return plain | {
        "mechanism": how(**_given("mechanism", settings, how, table=MECHANISMS)),
        "factors": Factors(number, **_given("factors", settings, Factors if number else Values, table={"N": Factors})),
        "observation": seen(**_given("counts", settings, seen, table=COUNT_LAWS)),
    }


def _given(part: str, settings: dict[str, Any], kind: Any, *, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a part that were typed; refuse those that this kind does not have, and say which has."""
    typed = {option: field for option, field in _PARTS[part].items() if option in settings}
    for option, name in typed.items():
        if name not in _names(kind):
            owners = " or ".join(owner for owner, one in table.items() if name in _names(one))
            msg = f"--{option.replace('_', '-')} goes with --{part} {owners}."
            raise ValueError(msg)
    return {name: settings[option] for option, name in typed.items()}


def _names(kind: Any) -> set[str]:
    return {field.name for field in fields(kind)}


def _write_simulation(drawn: Simulation, output: Path, settings: dict[str, Any]) -> dict[str, Path]:
    import anndata
    import numpy as np
    import pandas as pd

    from acyclome.io.atomic import write_text
    from acyclome.io.hdf5 import write_adata
    from acyclome.io.tables import write_tsv

    var = pd.DataFrame(index=pd.Index(drawn.genes, name="gene"))
    obs = pd.DataFrame(index=[f"C{cell}" for cell in range(len(drawn.X))])
    if drawn.size is not None:
        obs["size_factor"] = drawn.size
    kept = {key: list(value) if isinstance(value, tuple) else value for key, value in settings.items()}
    X = np.ascontiguousarray(drawn.X, dtype=np.float32)  # as prepared data are, with half the file
    adata = anndata.AnnData(X, obs=obs, var=var, uns={"simulation": kept})
    for name, values in (("latent", drawn.latent), ("counts", drawn.counts if settings.get("normalize") else None)):
        if values is not None:
            adata.layers[name] = np.ascontiguousarray(values, dtype=np.float32)
    if drawn.loadings.size:
        adata.obsm["factors"], adata.varm["loadings"] = drawn.factor_scores, drawn.loadings
    files = {"expression": output, "truth": output.with_suffix(".truth.tsv")}
    if drawn.regulators is not None:
        files["regulators"] = output.with_suffix(".regulators.txt")
        write_text(files["regulators"], "".join(f"{drawn.genes[gene]}\n" for gene in drawn.regulators))
    write_tsv(files["truth"], drawn.edges[["source", "target", "weight"]])
    write_adata(output, adata)
    return files
