"""The command ``benchmark``: how right and how fast on this machine, beside simple baselines and other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.options import json_flag
from acyclome.cli.output import echo_json, format_table
from acyclome.cli.progress import Progress
from acyclome.errors import AcyclomeError, InputError

if TYPE_CHECKING:
    from acyclome.cli.methods import Comparison

SHOWN = ("skeleton", "class", "directed", "ceiling", "seconds", "cpu_seconds", "peak_mb")


@cloup.option("genes", "--d", default="100", metavar="N,N,...", help="Numbers of genes, at least 2 each.")
@cloup.option("observations", "--n", default=1000, metavar="N", help="Observations, at least 2.")
@cloup.option(
    "--kind", default="er", metavar="er|scale-free|hub", help="Edges anywhere, few big causes, or like gene regulation."
)
@cloup.option("--degree", default=2.0, metavar="X", help="Edges per gene.")
@cloup.option("--raw", is_flag=True, help="Leave the variances, which give the order away, instead of scaling to 1.")
@cloup.option("--seeds", default="1", metavar="N,N,...", help="Seeds of the data; means are shown.")
@cloup.option(
    "--methods",
    metavar="NAME,...",
    help="Some of acyclome, equal-noise (acyclome told so, for --raw), variance, r2, r2-falling, random (genes sorted "
    "so, then regressed), dagma, notears. Default: all but equal-noise, as far as installed.",
)
@cloup.option(
    *("--limit",),
    default=600.0,
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="Time after which a method is ended, and said to be.",
)
@cloup.option("--seed", default=0, type=click.IntRange(0), help="Seed of the methods; never that of the data.")
@cloup.option("--threads", type=click.IntRange(1), help="Processors for acyclome. Default: all this process may use.")
@cloup.option(
    *("--device",),
    default="auto",
    metavar="auto|cpu|cuda",
    help="Where acyclome computes; starting a GPU counts as its time.",
)
@cloup.option("-q", "--quiet", is_flag=True, help="Print the table, and no progress.")
@json_flag
def benchmark(
    *,
    genes: str,
    observations: int,
    kind: str,
    degree: float,
    raw: bool,
    seeds: str,
    methods: str | None,
    limit: float,
    seed: int,
    threads: int | None,
    device: str,
    quiet: bool,
    json: bool,
) -> None:
    """Simulate, learn and score: accuracy, time and memory on this machine, beside baselines and other programs."""
    from acyclome.cli.methods import Comparison, choose_methods
    from acyclome.machine import check_device, usable_threads

    sizes, data_seeds = _numbers("--d", genes, 2), _numbers("--seeds", seeds, 0)
    check_device(device)
    comparison = Comparison(choose_methods(methods), data_seeds, seed, threads or usable_threads(), device, limit)
    settings = {"degree": degree, "graph": kind, "standardised": not raw}
    rows = _run(comparison, sizes, n=observations, settings=settings, quiet=quiet)
    data = {"genes": list(sizes), "observations": observations, **settings, "seeds": list(data_seeds)}
    facts = _facts(comparison, data, rows)
    if json:
        echo_json(facts)
    else:
        click.echo(_text(facts))
    if any(row["method"].startswith("acyclome") and row["status"] == "failed" for row in rows):
        raise click.exceptions.Exit(1)  # a method of ours that fails is a fault of ours; of others it is a finding


def _numbers(option: str, text: str, low: int) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdecimal() and int(word) >= low for word in words):
        msg = f"{option} {text} is no list of whole numbers from {low}; expected such as {option} 100,300."
        raise InputError(msg)
    return tuple(dict.fromkeys(map(int, words)))


def _run(
    comparison: Comparison, sizes: tuple[int, ...], *, n: int, settings: dict[str, Any], quiet: bool
) -> list[dict[str, Any]]:
    from acyclome.cli.methods import warm_up

    rows: list[dict[str, Any]] = []
    total = len(sizes) * len(comparison.seeds) * len(comparison.methods)
    with Progress(quiet=quiet) as progress:
        progress("benchmark", 0.0, "compiling")
        warm_up()
        for d in sizes:
            try:
                for row in comparison.rows(d, n, settings):
                    rows.append(row)
                    progress("benchmark", len(rows) / total, f"{row['method']}, {d:,} genes: {row['status']}")
            except AcyclomeError:  # may be a ValueError, and says already what is wrong
                raise
            except ValueError as error:
                msg = f"This cannot be simulated: {error} See `acyclome benchmark --help`."
                raise InputError(msg) from error
    return rows


def _facts(comparison: Comparison, data: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    from acyclome._version import __version__
    from acyclome.cli.methods import left_out
    from acyclome.evaluate.cost import machine

    return {
        "version": __version__,
        "machine": machine(),
        "data": data,
        "threads": comparison.threads,
        "seed": comparison.seed,
        "device": comparison.device,
        "limit_seconds": comparison.limit,
        "trials": rows,
        "notes": left_out(),
    }


def _text(facts: dict[str, Any]) -> str:
    data = facts["data"]
    scaling = "standardised" if data["standardised"] else "raw"
    about = (
        f"{data['graph']} graphs, {data['degree']:g} edges per gene, {data['observations']:,} observations, {scaling}; "
        f"means over {len(data['seeds'])} seeds"
    )
    where = f"acyclome {facts['version']}, {facts['threads']} threads; {facts['machine']}"
    header = ["genes", "method", *(name.replace("_", " ") for name in SHOWN), "status"]
    return "\n".join([about, "", format_table(header, _means(facts["trials"])), "", where, *facts["notes"]])


def _means(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """One line for every size and method: means over the trials that were finished, and what became of the others."""
    lines = []
    for genes, method in dict.fromkeys((row["genes"], row["method"]) for row in rows):
        tried = [row for row in rows if (row["genes"], row["method"]) == (genes, method)]
        done = [row for row in tried if row["status"] == "done"]
        values = [[row[name] for row in done if row[name] is not None] for name in SHOWN]
        failed = ", ".join(dict.fromkeys(row["status"] for row in tried if row["status"] != "done"))
        means = [_rounded(sum(column) / len(column)) if column else None for column in values]
        lines.append([genes, method, *means, failed or "done"])
    return lines


def _rounded(value: float) -> float | int:
    return round(value) if value >= 100 else round(value, 3 if value < 10 else 1)  # three digits, F1 and seconds alike
