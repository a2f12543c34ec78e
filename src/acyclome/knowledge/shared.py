"""What groups that are learned together share, as prior knowledge of the network of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from acyclome.network import Network


@dataclass(frozen=True)
class Shared:
    """Edges of the network that groups share, columns source and target, and positions of the genes in its order.

    ``amounts`` are those of its genes that it was learned from by their logarithms.
    """

    edges: pd.DataFrame
    position: Mapping[str, int]
    amounts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, network: Network) -> Self:
        place = dict(zip(network.nodes["gene"], network.nodes["order"].tolist(), strict=True))
        amounts = network.facts["model"].get("amounts", {}).get("genes", ())
        return cls(network.edges[["source", "target"]], place, frozenset(amounts))

    def amounts_among(self, genes: Sequence[str], found: Collection[str]) -> list[str]:
        """Return the amounts among the genes of a group: by itself it has ``found`` those that nothing is shared of."""
        return [gene for gene in genes if gene in (self.amounts if gene in self.position else found)]

    def rows(self, genes: Sequence[str]) -> pd.DataFrame:
        """Return its edges among ``genes`` as lines of prior knowledge: at the cost of what most conditions have."""
        here = self.edges[self.edges["source"].isin(genes) & self.edges["target"].isin(genes)]
        return here[["source", "target"]].assign(
            weight=np.nan,
            sign="",
            kind="shared",
            scope="most",
            file="the shared network",
            line=np.arange(len(here)) + 1,
        )

    def tiers(self, genes: Sequence[str], given: Mapping[str, int] | None) -> dict[str, int]:
        """Return a tier for every gene, its position, behind all of lower tiers; genes without one come last."""
        lowest = min(given.values(), default=0) if given else 0
        level = {gene: ((given or {}).get(gene, lowest), self.position.get(gene, len(self.position))) for gene in genes}
        rank = {pair: number for number, pair in enumerate(sorted(set(level.values())))}
        return {gene: rank[pair] for gene, pair in level.items()}
