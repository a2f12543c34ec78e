"""Names in two nomenclatures: identifiers by which genes are told apart, and the symbols that people write.

A list or table may be in either. What is no identifier of the data and is a symbol there stands for the genes that it
names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Symbols = Mapping[str, str]  # of genes by their identifiers; genes without one are not there


class Translator:
    """Translates symbols to the names of the genes of the data; other names stay as they are."""

    def __init__(self, genes: Iterable[str], symbols: Symbols) -> None:
        known = set(genes) if symbols else set()
        self._genes_of: dict[str, list[str]] = {}
        for gene, symbol in symbols.items():
            if gene in known and symbol not in known:
                self._genes_of.setdefault(symbol, []).append(gene)

    def all_of(self, names: Iterable[str]) -> list[str]:
        """Return every gene that the names stand for: a symbol may be that of several."""
        return [gene for name in names for gene in self._genes_of.get(name, [name])]

    def first_of(self, name: str) -> str:
        return self._genes_of.get(name, [name])[0]


def as_symbols(genes: Sequence[str], symbols: Symbols) -> list[str]:
    """Return the symbols of the genes, in their place; ids of those without one, or with one that another has too."""
    told: dict[str, None] = {}
    for gene in genes:
        symbol = symbols.get(gene, gene)
        told[gene if symbol in told else symbol] = None
    return list(told)
