"""What a measure of cyclicity offers, whatever its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from acyclome.core.data.candidates import Candidates

if TYPE_CHECKING:
    import torch


class Acyclicity(Protocol):
    """A measure of cyclicity, zero on graphs without the cycles it can see."""

    @property
    def is_complete(self) -> bool:
        """Whether ``h`` is zero if and only if there is no cycle (up to the smallest number that a float holds)."""
        ...

    @property
    def misses(self) -> str:
        """What this form cannot see, in words and with a bound."""
        ...

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        """``h`` and ``dh/dA``, ``(nnz,)``, on the candidate pattern."""
        ...

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``h``, ``(*batch,)``, and ``dh/dA``, ``(*batch, d, d)``, of ``A >= 0``, ``(*batch, d, d)``.

        Where a member of the batch lies outside the domain its ``h`` is inf and its gradient 0.
        """
        ...
