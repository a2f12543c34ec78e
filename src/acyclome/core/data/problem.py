"""What a network is learned from, as one thing: data, what is known of edges, and where it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import Moments

if TYPE_CHECKING:
    from acyclome.core.backend import Backend


@dataclass(frozen=True)
class Problem:
    """A network to be learned."""

    data: Moments
    constraints: Constraints
    backend: Backend

    @property
    def n_genes(self) -> int:
        return self.data.n_genes

    @property
    def threads(self) -> int:
        return self.backend.threads
