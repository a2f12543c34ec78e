"""Which column of the genes holds their symbols, where they are told apart by other names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from acyclome.errors import InputError, examples
from acyclome.io.gene_names import kind_of_names
from acyclome.options.sections import Input

if TYPE_CHECKING:
    from anndata import AnnData

# Of CELLxGENE, scanpy, 10x, Seurat and biomaRt; compared without marks and case.
_COLUMNS = (
    *("featurename", "genesymbol", "genesymbols", "symbol", "symbols", "genename", "genenames", "hgncsymbol"),
    *("mgisymbol", "externalgenename", "geneshortname", "geneids"),
)
NONE = "none"


def find_symbols(adata: AnnData, choice: Input, genes: Sequence[str]) -> dict[str, str]:
    """Return the symbols of genes by their names, where they have others; empty where there is no such column.

    It is that of ``input.gene_names``, or is looked for where most genes have Ensembl ids.
    """
    table = adata.raw.var if choice.layer == "raw" and adata.raw is not None else adata.var
    column = choice.gene_names
    if column is not None and column not in table and column != NONE:
        known = examples([str(name) for name in table.columns], 12) or "none"
        msg = (
            f"The genes have no column {column!r} (gene_names); they have {known}. Name one of these, or leave the "
            "option out: symbols beside Ensembl ids are found by themselves."
        )
        raise InputError(msg)
    if column is None and kind_of_names(genes) == "ensembl":
        bare = {"".join(filter(str.isalnum, str(name))).casefold(): name for name in reversed(table.columns)}
        named = [bare[name] for name in _COLUMNS if name in bare]
        column = next(
            (name for name in named if kind_of_names(table[name].astype(object).map(str).tolist()) == "symbol"), None
        )
    if column is None or column == NONE:
        return {}
    here = table[column].astype(object)
    symbols = dict(zip(table.index.astype(str), here.where(here.notna(), "").astype(str).str.strip(), strict=True))
    return {gene: symbol for gene in genes if (symbol := symbols.get(gene, "")) not in ("", gene)}
