"""Sentences about one gene of a network."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

import pandas as pd

from acyclome.errors import InputError
from acyclome.wording import plural

REFUTED = 3.0  # nats, odds of 20 to 1, by which experiments speak against an arrow

_HOW_TO_READ = """How to read this
  weight      change of the effect, in standard deviations, when the cause rises by one and the effect's other causes
              stay as they are; + raises it, - lowers it
  score       probability that the edge is right, as far as simulations can tell
  stability   share of the resamples that found the edge again
  direction   share of those resamples in which the arrow points this way
  reversible  yes: the data fit the reversed arrow as well; read it as "one of the two acts on the other";
              no, by intervention: interventions in these data decide the direction
              no, refuted: experiments on the cause speak against the arrow with odds of 20 to 1
  These are hypotheses from expression alone. A cause that was not measured (protein activity, a gene filtered out, a
  cell type inside the group) can make an edge between genes that do not touch. Test by perturbing the cause."""


class Page(str):
    """A text that a notebook shows in lines."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def page(node: pd.Series, causes: pd.DataFrame, effects: pd.DataFrame, *, nodes: pd.DataFrame, limit: int) -> str:
    """Return the page on the gene of `node`: facts, causes, effects, and how to read them."""
    gene = node["symbol"] or node["gene"]
    symbols = dict(zip(nodes["gene"], nodes["symbol"], strict=True))
    causes, effects = (
        table.assign(symbol=table[end].map(symbols)) for table, end in ((causes, "source"), (effects, "target"))
    )
    parts = [
        _head(node, nodes),
        _section(f"Causes of {gene} ({gene} follows them)", causes, "source", limit=limit),
        _section(f"Effects of {gene} (they follow {gene})", effects, "target", limit=limit),
        _HOW_TO_READ,
    ]
    return Page("\n\n".join(parts) + "\n")


def by_symbol(name: str, genes: Sequence[str], symbols: Mapping[str, str]) -> str:
    """Return the gene of a symbol; an InputError says if it is that of none or of several."""
    if not isinstance(name, str):
        msg = f"{name!r} is of the type {type(name).__name__}; expected the name of a gene."
        raise InputError(msg)
    found = [gene for gene, symbol in symbols.items() if symbol == name]
    if len(found) > 1:
        msg = f"{name} is the symbol of {len(found)} genes; name one of them: {', '.join(found)}."
        raise InputError(msg)
    if not found:
        raise InputError(unknown_gene(name, genes, symbols.values()))
    return found[0]


def in_short(n_genes: int, n_edges: int) -> str:
    return f"Network of {plural(n_genes, 'gene')} and {plural(n_edges, 'edge')}"


def unknown_gene(gene: str, genes: Sequence[str], symbols: Iterable[str] = ()) -> str:
    """Return the message for a name that is not in the network, with names and symbols that look alike."""
    names = [*symbols, *genes]
    same = [name for name in names if name.lower() == gene.lower()]
    alike = same or difflib.get_close_matches(gene, names, n=3, cutoff=0.7)  # a slip in a name of usual length
    advice = f"Did you mean {', '.join(alike)}?" if alike else f"It has names such as {', '.join(names[:3])}."
    return (
        f"{gene!r} is not among the {len(genes)} genes of this network. {advice} "
        "What the preparation left out (genes in few cells, constant genes) is told in run.json."
    )


def check_any_known(names: Sequence[str], genes: Sequence[str], symbols: Collection[str] = ()) -> None:
    """Raise an InputError if none of the names, if any, is a gene or a symbol: of lists for many data some may lack."""
    if names and {*genes, *symbols}.isdisjoint(names):
        raise InputError(unknown_gene(names[0], genes, symbols))


def _head(node: pd.Series, nodes: pd.DataFrame) -> str:
    gene = f"{node['symbol']} ({node['gene']})" if node["symbol"] else node["gene"]
    n_causes, n_effects = int(node["in_degree"]), int(node["out_degree"])
    rank = int((nodes["out_degree"] > n_effects).sum()) + 1
    lines = [
        f"{gene}: {_count(n_causes, 'cause')} and {_count(n_effects, 'effect')} "
        f"(place {rank} of {len(nodes)} genes by number of effects)",
        f"Position {int(node['order']) + 1} of {len(nodes)} in the order, depth {int(node['depth'])}.",
    ]
    if n_causes and pd.notna(node["r2"]):
        lines.append(f"Its causes explain {100 * node['r2']:.0f}% of its variance.")
    if not nodes["is_regulator"].all():
        listed = "yes" if node["is_regulator"] else "no, so it can have no effects"
        lines.append(f"On the list of regulators: {listed}.")
    return "\n".join(lines)


def _section(title: str, edges: pd.DataFrame, other: str, *, limit: int) -> str:
    if edges.empty:
        return f"{title}\n  none found among the genes of this network"
    shown = edges.head(limit)
    cells = [["gene", "sign", "weight", "score", "stability", "direction", "reversible"]]
    for row in shown.to_dict("records"):
        numbers = [_number(row[name]) for name in ("score", "stability", "direction")]
        turns = "yes" if row["reversible"] else "no, by intervention" if row["oriented_by_intervention"] else "no"
        turns = "no, refuted" if row["instrument_evidence"] <= -REFUTED else turns
        cells.append([row["symbol"] or row[other], row["sign"], f"{row['weight']:+.3f}", *numbers, turns])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  " + "  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    rest = len(edges) - len(shown)
    return "\n".join([title, *lines, *([f"  ... and {rest} more in edges.tsv.gz"] if rest else [])])


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
