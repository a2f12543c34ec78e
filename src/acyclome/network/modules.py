"""Modules of a network as tables: what each is made of, what acts on it, and what it acts on, down to genes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from acyclome.errors import InputError
from acyclome.network.tables import with_symbols
from acyclome.wording import plural

MODULE_COLUMNS = {
    "module": str,  # M001 ..., the one that explains most first
    "name": str,  # the set that it follows, or is enriched for, else its regulator, else its first gene
    "n_genes": int,  # that it moves, much of whose variance goes with it, and whose loadings stand out
    "variance": float,  # share of the variance of all genes
    "stability": float,  # cosine of squared loadings with those of half-samples, the mean
    "regulators": str,  # genes that act on it, strongest first
    "genes": str,
    "set": str,  # that it follows; empty of one that was learned
    "outside": str,  # genes that it moves without their being in that set, strongest first
    "enriched": str,  # sets beyond chance, likeliest first
    "overlap": int,  # genes of the module in the first of those
    "f1": float,
    "q": float,  # false discovery rate of the first
    "factor": str,  # hidden factor of the run that it goes with
}
MODULE_EDGE_COLUMNS = {
    "source": str,
    "target": str,
    "kind": str,
    "weight": float,  # standard deviations of the target for one of the source
    "loss": float,  # log-likelihood lost without it; of a loading that of the gene by this module alone
    "outside": bool,  # whether a gene is moved by a visible module without being in its set
}
MODULE_PATH_COLUMNS = {
    "number": int,
    "n_modules": int,
    "log_likelihood": float,
    "standard_error": float,
    "explained": float,
    "stability": float,
    "enriched": float,
    "named_again": float,
    "carried": float,
    "knockouts": float,
    "direct": float,
    "chosen": bool,
}
ACTS, AMONG, MOVES, DIRECT = "gene -> module", "module -> module", "module -> gene", "gene -> gene"
STEPS = 6  # of a path at most; effects are products, and after six steps of .5 a hundredth is left
LEAST = 0.01  # standard deviations that a path has to carry


@dataclass(frozen=True, eq=False, repr=False)
class ModuleNetwork:
    """Modules and their graph.

    Parameters
    ----------
    modules
        One row per module with ``MODULE_COLUMNS``, the one that explains most first.
    edges
        One row per edge with ``MODULE_EDGE_COLUMNS``: genes that act on modules, modules on modules, modules on genes
        (loadings), and edges of the network that no module carries.
    path
        Held-out likelihood by numbers of modules, with ``MODULE_PATH_COLUMNS``; empty where the number was given.
    symbols
        Of genes by their names, where the data have them beside.
    activity
        Of every module (columns) in every observation that was learned from; None of what was read from files.

    Examples
    --------
    >>> found = ac.get.modules(modular)
    >>> found.names["M001"] == found.modules["name"].iloc[0]
    True
    >>> list(found.routes("G00").columns)
    ['target', 'route', 'effect']
    >>> found.find("G00"), found.label("G00")  # symbols can be asked for, and stand in routes, where genes have them
    ('G00', 'G00')
    """

    modules: pd.DataFrame
    edges: pd.DataFrame
    path: pd.DataFrame
    symbols: Mapping[str, str] = field(default_factory=dict)
    activity: pd.DataFrame | None = None

    def __repr__(self) -> str:
        kinds = self.edges["kind"].value_counts()
        size, among = plural(len(self.modules), "module"), plural(kinds.get(AMONG, 0), "edge")
        return (
            f"ModuleNetwork of {size}: {among} among them, {kinds.get(ACTS, 0)} from genes to modules, "
            f"{kinds.get(DIRECT, 0)} among genes"
        )

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the size, and the first modules."""
        table = self.modules.head(10).drop(columns="genes")
        return f"<p>{self!r}</p>{table.to_html(index=False, float_format='{:.3g}'.format)}"

    @cached_property
    def names(self) -> dict[str, str]:
        """What every module is called, by its number."""
        return dict(zip(self.modules["module"], self.modules["name"], strict=True))

    def label(self, gene: str) -> str:
        """Return how people call a gene: its symbol, or its name where it has none."""
        return self.symbols.get(gene) or gene

    def find(self, name: str) -> str:
        """Return the node of a name: a gene or its symbol, or a module by its number or by what it is called.

        Raises
        ------
        InputError
            If there is none, with names that look alike, or if several share the name.
        """
        if not isinstance(name, str):
            msg = f"{name!r} is a {type(name).__name__}; expected the name of a gene or a module."
            raise InputError(msg)
        nodes = dict.fromkeys([*self.edges["source"], *self.edges["target"], *self.names])
        by_symbol = [node for node in nodes if self.symbols.get(node) == name]
        by_name = [module for module, called in self.names.items() if called == name]  # sets are called as genes are
        found = [name] if name in nodes else by_symbol or by_name
        if len(found) == 1:
            return found[0]
        if found:
            msg = f"{name!r} names {len(found)} of the graph of modules; give one of them: {', '.join(found)}."
            raise InputError(msg)
        known = {*nodes, *self.names.values(), *map(self.label, nodes)}
        near = " or ".join(difflib.get_close_matches(name, sorted(known), 3))
        hint = f"Did you mean {near}?" if near else "It is not in the network, or no edge there has it."
        msg = f"There is no gene {name!r} in the graph of modules. {hint}"
        raise InputError(msg)

    def routes(self, source: str, target: str | None = None, *, limit: int = 20) -> pd.DataFrame:
        """Return the ways from a gene over modules to other genes, the strongest first.

        Parameters
        ----------
        source
            The gene that is knocked out, or moved, by name or symbol; or a module.
        target
            The gene or module at the end; None: the genes that are moved most, each by its strongest way.
        limit
            Ways that are listed at most.

        Returns
        -------
        ``target``, ``route`` (genes, by their symbols, and modules with arrows) and ``effect``, the product of the
        weights: standard deviations of the target for one of the source. Of several ways effects add up.

        Raises
        ------
        InputError
            If a gene is in no edge, or a name that of several; names that are there are offered.
        """
        source, target = self.find(source), None if target is None else self.find(target)
        rows = [
            {"target": way[-1], "route": " -> ".join(map(self._word, way)), "effect": effect}
            for way, effect in self._ways((source,), 1.0)
            if (way[-1] not in self.names if target is None else way[-1] == target)
        ]
        table = pd.DataFrame(rows, columns=["target", "route", "effect"])
        table = table.iloc[table["effect"].abs().argsort(kind="stable")[::-1]]
        if target is None:
            table = table.drop_duplicates("target")
        return with_symbols(table.head(limit).reset_index(drop=True), self.symbols)

    def _word(self, node: str) -> str:
        return f"{node} ({self.label(self.names[node])})" if node in self.names else self.label(node)

    def _ways(self, way: tuple[str, ...], effect: float) -> list[tuple[tuple[str, ...], float]]:
        """Return all ways on from the end of one, each with its effect, as far as enough arrives."""
        found = []
        for target, weight in self._from.get(way[-1], ()):
            if len(way) <= STEPS and abs(effect * weight) >= LEAST and target not in way:
                found += [((*way, target), effect * weight), *self._ways((*way, target), effect * weight)]
        return found

    @cached_property
    def _from(self) -> dict[str, list[tuple[str, float]]]:
        held: dict[str, list[tuple[str, float]]] = {}
        for source, target, weight in zip(*(self.edges[c] for c in ("source", "target", "weight")), strict=True):
            held.setdefault(source, []).append((target, float(weight)))
        return held
