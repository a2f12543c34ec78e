"""Texts for the standard output: summaries, tables of facts, and JSON for machines."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from acyclome import wording
from acyclome.errors import visible
from acyclome.io.names import REPORT

if TYPE_CHECKING:
    from acyclome.network import Network

_MAX_CELL = 90  # characters; a reason longer than that would wrap the whole table


def say(text: str) -> None:
    """Print a text for people, whatever names in it hold."""
    click.echo(visible(text))


def echo_json(content: Any) -> None:
    """Print `content` as JSON; numpy numbers become plain ones, NaN and infinities null."""
    from acyclome.io.atomic import plain

    click.echo(json.dumps(plain(content), indent=2, allow_nan=False))


def echo_facts(facts: Mapping[str, Any]) -> None:
    # Lists and sections are for --json.
    short = {key: value for key, value in facts.items() if not isinstance(value, Mapping | list | tuple)}
    width = max(map(len, short), default=0)
    for key, value in short.items():
        say(f"{key.replace('_', ' '):<{width}}  {format_value(value)}")


def format_value(value: Any) -> str:
    """Return a value as people write it: thousands separated, few digits, yes and no."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"  # F1 and seconds are good to less
    return str(value)


def format_table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as aligned columns; long cells are cut."""
    cells = [list(header), *([_cut(format_value(value)) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 3]}..."


def run_facts(networks: Network | Mapping[str, Network], out: Path, seconds: float) -> dict[str, Any]:
    if isinstance(networks, Mapping):
        from acyclome.io.runs import RunFolder

        folder = RunFolder(out)
        groups = {label: _network_facts(net, folder.group(label).path) for label, net in networks.items()}
        page = _page(out)
        return {"status": "done", "out": str(out), "seconds": round(seconds, 3), "groups": groups, "report": page}
    return {"status": "done", "seconds": round(seconds, 3), **_network_facts(networks, out)}


def _page(out: Path) -> str | None:
    """Return the report of a run; None where none could be made, of which a warning has said why."""
    return str(out / REPORT) if (out / REPORT).exists() else None


def _network_facts(net: Network, out: Path) -> dict[str, Any]:
    return {
        "out": str(out),
        "genes": len(net.genes),
        "edges": net.n_edges,
        "is_dag": net.is_dag,
        "report": _page(out),
        "strongest": [f"{row.source} -> {row.target}" for row in net.edges.head(3).itertuples()],
        # The gene with the most effects, as people call it: worth explaining.
        "hub": net.label(str(net.edges["source"].value_counts(sort=True).index[0])) if net.n_edges else None,
        "warnings": list(net.facts.get("warnings", [])),
    }


def run_text(facts: Mapping[str, Any]) -> str:
    """Return the summary a user reads after a run, with the commands that come next."""
    if "groups" not in facts:
        return _one_run_text(facts)
    groups = facts["groups"]
    rows = [[label, part["genes"], part["edges"], part["is_dag"], part["report"]] for label, part in groups.items()]
    table = format_table(["group", "genes", "edges", "DAG", "report"], rows)
    first = next(iter(groups.values()), None)
    tail = _next_commands(first) if first else []
    beside = f"  open {facts['report']} in a browser: the groups beside one another"
    lines = [f"Done in {wording.duration(facts['seconds'])}: {wording.plural(len(groups), 'group')}.", table, *tail]
    return "\n".join(lines if facts["report"] is None else [*lines, beside])


def _one_run_text(facts: Mapping[str, Any]) -> str:
    verdict = "a directed acyclic graph" if facts["is_dag"] else "NOT ACYCLIC: do not use it as a causal network"
    lines = [
        f"Done in {wording.duration(facts['seconds'])}.",
        f"  network  {wording.plural(facts['genes'], 'gene')}, {wording.plural(facts['edges'], 'edge')}, {verdict}",
        f"  report   {facts['report'] or 'none, see the warning'}",
    ]
    return "\n".join([*lines, *_next_commands(facts)])


def _next_commands(facts: Mapping[str, Any]) -> list[str]:
    out = shlex.quote(facts["out"])
    gene = shlex.quote(facts["hub"] or "GENE")
    page = facts["report"]
    return [
        "Next:",
        f"  acyclome explain {out} --gene {gene}",
        f"  acyclome export {out} --format graphml -o network.graphml",
        *([] if page is None else [f"  open {shlex.quote(page)} in a browser"]),
    ]
