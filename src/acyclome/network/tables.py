"""The three tables of a network: their columns, their checks, and the order of their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from acyclome import wording
from acyclome.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

EDGE_COLUMNS = {
    "source": str,
    "target": str,
    "weight": float,
    "sign": str,
    "score": float,
    "confounded": float,
    "stability": float,
    "direction": float,
    "reversible": bool,
    "reversal_loss": float,
    "oriented_by_intervention": bool,
    "noise_evidence": float,
    "direct_effect": float,
    "direct_error": float,
    "instrument_evidence": float,
    "prior": str,
}
RANKING_COLUMNS = {"source": str, "target": str, "rank_score": float}
NODE_COLUMNS = {
    "gene": str,
    "symbol": str,
    "order": int,
    "depth": int,
    "in_degree": int,
    "out_degree": int,
    "is_regulator": bool,
    "r2": float,
    "noise_scale": float,
    "lowest": float,
}
MEMBER_COLUMNS = {"member": int, "source": int, "target": int, "weight": float}
MOST_MEMBERS = 10_000  # half-samples that may be asked for
EFFECT_COLUMNS = {"source": int, "target": int, "effect": float, "error": float}
# Of each treatment: changes of all genes, their errors, and what a network says that never saw it (empty: not asked).
TREATMENT_COLUMNS = {"targets": str, "observations": int, "change": list, "error": list, "network": list}
_RENAMED = {"settled": "oriented_by_intervention"}  # as tables of 0.1.0 have it
# Columns that a network may lack, and what fills them: what is unknown.
LATER: dict[str, float | str] = {
    **dict.fromkeys(("lowest", "noise_evidence", "confounded"), np.nan),
    **dict.fromkeys(("direct_effect", "direct_error", "instrument_evidence"), np.nan),
    "symbol": "",
}

TABLES = ("edges", "ranking", "nodes", "members", "effects", "treatments")

_LARGEST = 1e12  # in standard deviations, in which weights are seldom above 10; chains of 25 such stay finite


def best_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return edges or a ranking sorted by confidence, then strength, then names; no column order decides a tie."""
    import pandas as pd

    confidence = table["rank_score" if "rank_score" in table else "score"].to_numpy(dtype=float)
    line = np.argsort(-confidence, kind="stable")
    ranked = confidence[line]
    same = (ranked[1:] == ranked[:-1]) | np.isnan(ranked[1:]) & np.isnan(ranked[:-1])
    is_tied = np.zeros(len(line), bool)  # few are, of a long ranking
    is_tied[1:] |= same
    is_tied[:-1] |= same
    tied = table.iloc[line[is_tied]]
    strength = np.abs(tied["weight"].to_numpy(dtype=float)) if "weight" in tied else 0.0 * ranked[is_tied]
    names = [pd.factorize(tied[end], sort=True)[0] for end in ("target", "source")]
    line[is_tied] = line[is_tied][np.lexsort([*names, -strength, -ranked[is_tied]])]
    return table.iloc[line].reset_index(drop=True)


def under_names_of_today(table: pd.DataFrame, columns: Collection[str]) -> pd.DataFrame:
    """Return the table with columns of these that the first version named otherwise under their names."""
    earlier = {old: new for old, new in _RENAMED.items() if new in columns and new not in table}
    return table.rename(columns=earlier)


def with_columns(table: pd.DataFrame, name: str, columns: Mapping[str, type]) -> pd.DataFrame:
    """Return a copy of the table with exactly these columns, in their order and kinds; all else is an InputError."""
    table = under_names_of_today(table, columns)
    table = table.assign(**{column: LATER[column] for column in columns if column in LATER and column not in table})
    missing = [column for column in columns if column not in table]
    if missing:
        msg = f"The table {name} lacks the columns {', '.join(missing)}; expected {', '.join(columns)}."
        raise InputError(msg)
    kinds = {column: object if kind is str else kind for column, kind in columns.items()}
    try:
        return table[list(columns)].astype(kinds).reset_index(drop=True)
    except (TypeError, ValueError) as error:
        msg = f"A column of the table {name} holds something of another kind: {error}."
        raise InputError(msg) from error


def symbols_of(nodes: pd.DataFrame) -> dict[str, str]:
    """Return the symbols of genes by their names, where a table of nodes has them."""
    named = nodes.loc[nodes["symbol"] != "", ["gene", "symbol"]]
    return dict(zip(named["gene"], named["symbol"], strict=True))


def with_symbols(table: pd.DataFrame, symbols: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with columns of symbols beside its columns of genes, if any gene has a symbol."""
    if not symbols:
        return table
    of = {"source": "source_symbol", "target": "target_symbol", "gene": "symbol"}
    return table.assign(**{of[end]: table[end].map(symbols).fillna("") for end in of if end in table})


def check_tables(tables: Mapping[str, pd.DataFrame | None]) -> None:
    """Raise an InputError unless the :data:`TABLES` of a network, the first three of which it has, are of one DAG."""
    edges, ranking, nodes = (cast("pd.DataFrame", tables[name]) for name in TABLES[:3])
    check_nodes(nodes)
    if "lowest" in nodes and np.isinf(nodes["lowest"].to_numpy(dtype=float)).any():
        msg = "The column lowest of nodes holds inf; expected where a knock-out puts it. It was changed."
        raise InputError(msg)
    check_pairs(edges, "edges", nodes)
    check_pairs(ranking, "ranking", nodes)
    if (treatments := tables["treatments"]) is not None:
        check_treatments(treatments, len(nodes))
    for name in ("members", "effects"):
        if (table := tables[name]) is not None:
            check_places(table, name, len(nodes))
    check_order(edges, nodes)


def check_nodes(nodes: pd.DataFrame) -> None:
    """Raise an InputError unless genes are unique and their order is a permutation."""
    repeated = nodes["gene"][nodes["gene"].duplicated()].unique()
    if len(repeated):
        msg = (
            f"The gene {repeated[0]!r} stands in more than one row of nodes "
            f"({wording.plural(len(repeated), 'such gene')}); names must be unique."
        )
        raise InputError(msg)
    places = nodes["order"].to_numpy()
    if len(nodes) and places.min() >= 0 and len(nodes) <= places.max() and len(np.unique(places)) == len(nodes):
        msg = (
            f"The table nodes (nodes.tsv) has {wording.plural(len(nodes), 'row')}, and its column order counts "
            f"{places.max() + 1} genes: rows are missing, as of a table that was cut or filtered. Take the whole table "
            "(copy it again), or number the genes that are left from 0."
        )
        raise InputError(msg)
    if not np.array_equal(np.sort(places), np.arange(len(nodes))):
        msg = (
            f"The column order of nodes is not a permutation of 0 to {len(nodes) - 1}, so it cannot certify a network."
        )
        raise InputError(msg)


def check_pairs(table: pd.DataFrame, name: str, nodes: pd.DataFrame) -> None:
    """Raise an InputError unless every pair of edges or of a ranking is between known genes and stands there once."""
    for end in ("source", "target"):
        strange = table[end][~table[end].isin(nodes["gene"])]
        if len(strange):  # one name is enough to find the fault
            msg = (
                f"The {end} {strange.iloc[0]!r} of {name} is not among the {len(nodes)} genes of nodes. The tables are "
                "of different networks, or one was cut or filtered: take all of one network (copy them again)."
            )
            raise InputError(msg)
    twice = table[table.duplicated(["source", "target"])]
    if len(twice):
        pair = twice.iloc[0]
        msg = f"The edge {pair['source']} -> {pair['target']} stands in {name} more than once."
        raise InputError(msg)


def check_order(edges: pd.DataFrame, nodes: pd.DataFrame) -> None:
    """Raise an InputError unless every edge points forward in the order of the genes, which certifies a DAG."""
    position = dict(zip(nodes["gene"], nodes["order"], strict=True))
    wrong = edges[edges["source"].map(position).to_numpy() >= edges["target"].map(position).to_numpy()]
    if len(wrong):
        msg = (
            f"{len(wrong)} of {len(edges)} edges point against the order, such as "
            f"{wrong['source'].iloc[0]} -> {wrong['target'].iloc[0]}. A causal network must be a DAG whose order "
            "certifies it; drop these edges or correct the column order of nodes."
        )
        raise InputError(msg)


def check_number_column(column: str) -> None:
    """Raise an InputError unless edges have a column of numbers of this name."""
    if column not in EDGE_COLUMNS or EDGE_COLUMNS[column] is str:
        numbers = [name for name, kind in EDGE_COLUMNS.items() if kind is not str]
        msg = f"{column!r} is no column of numbers of the edges; choose one of {', '.join(numbers)}"
        raise InputError(msg)


def check_treatments(treatments: pd.DataFrame, n_genes: int) -> None:
    """Raise an InputError unless every treatment holds a value for each gene, or none where no network was asked."""
    for name, allowed in (("change", {n_genes}), ("error", {n_genes}), ("network", {0, n_genes})):
        found = {len(values) for values in treatments[name]} - allowed
        if found:
            msg = (
                f"A treatment holds {min(found)} values in {name!r} for {n_genes} genes. The table treatments is of "
                "another network, or was changed; run again, or leave it out."
            )
            raise InputError(msg)


def check_numbers(table: pd.DataFrame, name: str, columns: Sequence[str]) -> None:
    """Raise an InputError unless numbers of these columns, as far as they are there, are finite and of usual size."""
    for column in [column for column in columns if column in table]:
        values = np.abs(table[column].to_numpy(dtype=float))
        if not np.all(values <= _LARGEST):  # which NaN is not either
            found = table[column][~(values <= _LARGEST)].iloc[0]
            msg = f"The column {column} of {name} holds {found}; expected numbers up to {_LARGEST:g}."
            raise InputError(msg)


def check_places(table: pd.DataFrame, name: str, n_genes: int) -> None:
    """Raise an InputError unless source and target are positions of genes, or -1 for what is none of them."""
    ends = table[["source", "target"]].to_numpy()
    if len(ends) and not (ends.min() >= -1 and ends.max() < n_genes):
        msg = f"{name} names genes by positions up to {ends.max()}, and there are {n_genes}. It is of another network."
        raise InputError(msg)
    if "member" not in table:
        return
    if not table["member"].between(0, MOST_MEMBERS - 1).all():
        msg = f"{name} counts half-samples from {table['member'].min()} to {table['member'].max()}. It was changed."
        raise InputError(msg)
    if table.duplicated(["member", "source", "target"]).any():
        msg = f"A row of {name} stands there twice. It was changed; run again, or leave it out."
        raise InputError(msg)
