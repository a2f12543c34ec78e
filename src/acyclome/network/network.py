"""A causal network in memory: its edges, the ranking of pairs, its genes, and the facts of the run.

The certificate that the graph has no cycle is an order of the genes in which every edge points forward. It is checked
when a :class:`Network` is made, so every network that exists is a DAG.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from acyclome.network import explain as _explain
from acyclome.network import perturb as _perturb
from acyclome.network import predict as _predict
from acyclome.network.asked import amounts_of, names_of
from acyclome.network.effects import LEAST, among_descendants, effects_table
from acyclome.network.screen import Screen
from acyclome.network.tables import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    RANKING_COLUMNS,
    TABLES,
    check_number_column,
    check_tables,
    symbols_of,
    with_columns,
    with_symbols,
)

SHOWN = 10  # edges in a notebook


@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """A DAG over genes with a weight and a confidence on every edge.

    Parameters
    ----------
    edges
        One row per edge, best first, with the columns of ``EDGE_COLUMNS``. ``weight`` is the change of the target, in
        standard deviations, per standard deviation of the source, its other causes held.
    ranking
        One row per ranked pair, whether or not it fits into an acyclic network, with ``rank_score``; best first.
    nodes
        One row per gene with the columns of ``NODE_COLUMNS``; ``order`` is the certificate.
    facts
        What the run recorded (the content of ``run.json``).
    members
        Edges of every resample with the columns of ``MEMBER_COLUMNS`` (indices of genes); None without resamples. One
        without edges stands there with a line from gene 0 to itself of weight 0.
    effects
        Total effects that interventions measured, with the columns of ``EFFECT_COLUMNS`` (indices of genes); those of a
        source that stands there and are not listed are nothing. None without interventions.
    treatments
        What each combination of targets did, and what networks that never saw it say, with ``TREATMENT_COLUMNS``:
        arrays over the genes, in standard deviations. None without interventions.

    Raises
    ------
    InputError
        If a column is missing, a gene unknown or repeated, an edge repeated, or an edge points against the order.

    Examples
    --------
    >>> net = ac.get.network(adata)
    >>> net.n_edges, net.is_dag, net.matrix("weight").shape
    (4, True, (10, 10))
    >>> net.genes[net.order[0]], net.genes[net.source[0]], net.genes[net.target[0]]
    ('GATA1', 'KLF1', 'HBB')
    >>> net.find("SPI1"), net.label("SPI1"), net.symbols  # symbols stand beside ids, if there are ids
    ('SPI1', 'SPI1', {})
    >>> net.with_symbols(net.parents("HBB"))["source"].tolist()
    ['KLF1']
    >>> net.children("SPI1")["target"].tolist()
    ['LYZ', 'CST3']
    >>> net.predict(knockout="SPI1")[["gene", "change", "basis"]].round(1).head(2)
       gene  change                 basis
    0  SPI1    -2.6              acted on
    1   LYZ    -1.9  network, not checked
    >>> net.total_effects("GATA1")[["target", "basis"]].to_numpy().tolist()
    [['KLF1', 'inferred'], ['HBB', 'inferred']]
    >>> print(net.explain("KLF1"))
    KLF1: 1 cause and 1 effect (place 2 of 10 genes by number of effects)
    ...
    """

    edges: pd.DataFrame
    ranking: pd.DataFrame
    nodes: pd.DataFrame
    facts: dict[str, Any] = field(default_factory=dict)
    members: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None
    treatments: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        for name, columns in (("edges", EDGE_COLUMNS), ("ranking", RANKING_COLUMNS), ("nodes", NODE_COLUMNS)):
            # A copy, so that whoever gave the tables may go on with them; the class is frozen for all others.
            object.__setattr__(self, name, with_columns(getattr(self, name), name, columns))
        check_tables({name: getattr(self, name) for name in TABLES})

    def __repr__(self) -> str:
        return _explain.in_short(len(self.genes), self.n_edges)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the size, and the best edges."""
        table = self.with_symbols(self.edges.head(SHOWN)).dropna(axis=1, how="all")
        return f"<p>{self!r}, the best first</p>{table.to_html(index=False, float_format='{:.3g}'.format)}"

    @cached_property
    def genes(self) -> list[str]:
        """Names of the genes, in the order of the input's columns."""
        return self.nodes["gene"].tolist()

    @cached_property
    def symbols(self) -> dict[str, str]:
        """Symbols of genes by their names, where the data have them beside."""
        return symbols_of(self.nodes)

    def label(self, gene: str) -> str:
        """Return how people call a gene: its symbol, or its name where it has none."""
        return self.symbols.get(gene, gene)

    def find(self, name: str) -> str:
        """Return the gene of a name or a symbol.

        Raises
        ------
        InputError
            If there is none, with names that look alike, or if several genes share the symbol.
        """
        return name if name in self._position else _explain.by_symbol(name, self.genes, self.symbols)

    def with_symbols(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a table with ``source_symbol``, ``target_symbol`` or ``symbol`` added, if any gene has a symbol."""
        return with_symbols(table, self.symbols)

    @cached_property
    def order(self) -> np.ndarray:
        """Index of the gene at each position of the order, (d,) int32."""
        return np.argsort(self.nodes["order"].to_numpy(), kind="stable").astype(np.int32)

    @cached_property
    def screen(self) -> Screen:
        """What the treatments of the data did, and how far predictions held on those held out."""
        return Screen(self.treatments, self.genes, self.nodes["lowest"].to_numpy(float))

    @property
    def n_edges(self) -> int:
        """Number of edges."""
        return len(self.edges)

    @cached_property
    def is_dag(self) -> bool:
        """Whether every edge follows the order of the genes, so that there is no cycle."""
        position = self.nodes["order"].to_numpy()
        return bool(np.all(position[self.source] < position[self.target]))

    @cached_property
    def source(self) -> np.ndarray:
        """Index of the cause of each edge, (m,) int32."""
        return self._index(self.edges["source"])

    @cached_property
    def target(self) -> np.ndarray:
        """Index of the effect of each edge, (m,) int32."""
        return self._index(self.edges["target"])

    def matrix(self, column: str = "weight") -> sparse.csr_matrix:
        """Return one number per edge as a matrix, (d, d) float64: row = source, column = target.

        Raises
        ------
        InputError
            If the edges have no column of numbers of that name.
        """
        check_number_column(column)
        values = self.edges[column].to_numpy(dtype=float)
        return sparse.csr_matrix((values, (self.source, self.target)), shape=(len(self.genes), len(self.genes)))

    def parents(self, gene: str) -> pd.DataFrame:
        """Return the edges into `gene`, a name or a symbol, best first."""
        return self._edges_at("target", gene)

    def children(self, gene: str) -> pd.DataFrame:
        """Return the edges out of `gene`, a name or a symbol, best first."""
        return self._edges_at("source", gene)

    def explain(self, gene: str, limit: int = 15) -> str:
        """Return a page of text on one gene: its causes, its effects, and how to read them.

        Parameters
        ----------
        gene, limit
            Its name or its symbol, and the most causes, and effects, that are listed.

        Raises
        ------
        InputError
            If the gene is not in the network; names that look alike are offered.
        """
        causes, effects = self.parents(gene), self.children(gene)
        node = self.nodes.iloc[self._position[self.find(gene)]]
        return _explain.page(node, causes, effects, nodes=self.nodes, limit=limit)

    def predict(
        self,
        set: Mapping[str, float] | None = None,
        shift: Mapping[str, float] | None = None,
        knockout: str | Sequence[str] | None = None,
        *,
        perturb: str | Sequence[str] | None = None,
        interval: float = 0.9,
    ) -> pd.DataFrame:
        """Predict the expected change of every gene when some are acted on, all else as it is.

        Parameters
        ----------
        set
            Value at which a gene is held, in standard deviations from its mean; its causes no longer count.
        shift
            Amount that is added to a gene, in standard deviations; its causes go on acting.
        knockout
            Genes held where no expression puts them: at zero where the prepared data have nothing below, else at the
            lowest value in the data.
        perturb
            Targets acted on at once as the screen in the data acts on its own, measured genes or not; alone.
        interval
            Share of the changes that lie between `low` and `high`. Where targets were held out, as they missed, and as
            an experiment of the screen would show them; else the chance that one more resample would fall there.

        Returns
        -------
        One row per gene, largest change first: ``change`` in standard deviations, the mean over the resamples, which
        know where directions are open (the network's own answer without); ``low``, ``high``; ``agreement`` (share of
        resamples with the same sign), empty where the network says nothing; ``basis``, where the answer comes from.
        ``attrs`` hold what was checked: ``held_out``, ``squared_error_of_no_change`` (the rest), ``coverage_of_90``.

        Raises
        ------
        InputError
            If a gene is unknown or acted on twice, or nothing is acted on.

        Notes
        -----
        Linear, so it holds near what was observed: ``delta_j = s_j + sum_i W_ij delta_i`` without the sum for genes
        that are held (Pearl 2009). The total effects of a gene that interventions in the data have measured are those
        (``effects``), and what the network says elsewhere, as far as targets that were held out give it a say
        (``screen``). No gene falls below where a knock-out would put it.
        """
        acted = amounts_of(set, "set"), amounts_of(shift, "shift")
        knocked, asked = names_of(knockout, "knockout"), names_of(perturb, "perturb")
        if asked:
            beside = [*acted[0], *acted[1], *knocked]
            return self.with_symbols(_perturb.perturb(self, asked, beside=beside, interval=interval))
        held, added = ({self.find(name): value for name, value in given.items()} for given in acted)
        genes = [self.find(name) for name in knocked]
        return self.with_symbols(_predict.predict(self, held, added, knockout=genes, interval=interval))

    def total_effects(
        self,
        sources: str | Sequence[str] | None = None,
        *,
        least: float = LEAST,
        interval: float = 0.9,
        descendants: bool = False,
    ) -> pd.DataFrame:
        """Return what moving genes by a standard deviation does to the others, largest first.

        Parameters
        ----------
        sources, least, interval, descendants
            Genes that are moved (None: all); smallest effect listed; share of the effects between ``low`` and ``high``;
            whether to list all genes that paths lead to, and no others, nearest first, with ``steps``.

        Returns
        -------
        One row per pair: ``effect``, ``measured`` by experiments or else ``inferred`` (``basis``); ``direct``, the
        weight of the edge; ``through``, along all paths of the network; ``share``, that part of it. An unknown gene is
        an InputError.
        """
        asked = [sources] if isinstance(sources, str) else sources
        genes = None if asked is None else [self.find(name) for name in asked]
        table = effects_table(self, genes, least=0.0 if descendants else least, interval=interval)
        return self.with_symbols(among_descendants(self, genes, table) if descendants else table)

    def _edges_at(self, end: str, gene: str) -> pd.DataFrame:
        return self.edges[self.edges[end] == self.find(gene)].reset_index(drop=True)

    @cached_property
    def _position(self) -> dict[str, int]:
        return {gene: index for index, gene in enumerate(self.genes)}

    def _index(self, names: pd.Series) -> np.ndarray:
        return np.array([self._position[name] for name in names], dtype=np.int32)
