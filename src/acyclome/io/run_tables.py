"""The tables in the folder of a run: those of its network, of its modules, and of its groups.

Apart from :mod:`.runs`, so that stages which write no table do not load pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from acyclome.io import formats, tables
from acyclome.io.atomic import remove
from acyclome.io.names import EFFECTS, FEEDBACK, MODULES, safe_name
from acyclome.network import EDGE_COLUMNS, NODE_COLUMNS, RANKING_COLUMNS, Network
from acyclome.network.effects import measured_genes
from acyclome.network.feedback import feedback_table, was_looked_for
from acyclome.network.modules import MODULE_COLUMNS, MODULE_EDGE_COLUMNS, MODULE_PATH_COLUMNS, ModuleNetwork
from acyclome.network.tables import EFFECT_COLUMNS, MEMBER_COLUMNS, TREATMENT_COLUMNS, symbols_of

# That a network may have, in parquet.
PARTS = {"members": MEMBER_COLUMNS, "effects": EFFECT_COLUMNS, "treatments": TREATMENT_COLUMNS}


def write_network(folder: Path, network: Network) -> None:
    """Write the tables of a network, edges.tsv.gz last: where it stands, the rest stands too."""
    for name in (*MODULES, EFFECTS, FEEDBACK):  # those of an earlier network
        remove(folder / name)
    tables.write_tsv(folder / "ranking.tsv.gz", network.ranking)
    tables.write_tsv(folder / "nodes.tsv", network.nodes)
    tables.write_parquet(folder / "edges.parquet", network.with_symbols(network.edges), "edges")
    formats.write_h5ad(folder / "network.h5ad", network)
    for name in PARTS:
        remove(folder / f"{name}.parquet")
        if (table := getattr(network, name)) is not None:
            tables.write_parquet(folder / f"{name}.parquet", table, name)
    if measured := measured_genes(network):
        tables.write_tsv(folder / EFFECTS, network.total_effects(measured))
    if was_looked_for(network):
        tables.write_tsv(folder / FEEDBACK, feedback_table(network))
    tables.write_tsv(folder / "edges.tsv.gz", network.with_symbols(network.edges))


def read_network(folder: Path, facts: Mapping[str, Any]) -> Network:
    return Network(
        tables.read_tsv(folder / "edges.tsv.gz", EDGE_COLUMNS),
        tables.read_tsv(folder / "ranking.tsv.gz", RANKING_COLUMNS),
        tables.read_tsv(folder / "nodes.tsv", NODE_COLUMNS),
        dict(facts),
        **{
            name: tables.read_parquet(folder / f"{name}.parquet", name, columns)
            for name, columns in PARTS.items()
            if (folder / f"{name}.parquet").exists()
        },
    )


def write_modules(folder: Path, found: ModuleNetwork) -> None:
    """Write the tables of modules, modules.tsv last."""
    tables.write_tsv(folder / MODULES[2], found.path)
    tables.write_tsv(folder / MODULES[1], found.edges)
    tables.write_tsv(folder / MODULES[0], found.modules)


def read_modules(folder: Path) -> ModuleNetwork:
    kinds = zip(MODULES, (MODULE_COLUMNS, MODULE_EDGE_COLUMNS, MODULE_PATH_COLUMNS), strict=True)
    modules, edges, path = (tables.read_tsv(folder / name, columns) for name, columns in kinds)
    nodes = folder / "nodes.tsv"
    symbols = symbols_of(tables.read_tsv(nodes, NODE_COLUMNS)) if nodes.exists() else {}
    return ModuleNetwork(modules, edges, path, symbols)


def groups_table(sizes: Mapping[str, int]) -> pd.DataFrame:
    """Return the table of groups: their labels, folders and numbers of observations."""
    rows = [(label, safe_name(label), size) for label, size in sizes.items()]
    return pd.DataFrame(rows, columns=["label", "folder", "observations"])
