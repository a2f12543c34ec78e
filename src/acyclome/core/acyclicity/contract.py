"""What a measure of cyclicity offers, whatever its form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from acyclome.core.data.candidates import Candidates

if TYPE_CHECKING:
    import torch


class Acyclicity(Protocol):
    """A measure of cyclicity of strengths ``A >= 0``, zero on graphs without the cycles it can see.

    ``omega = dh/dA`` covers the whole pattern, zeros included: an absent edge that would close a cycle has
    ``omega > 0``.  Where strengths lie outside the domain, ``h`` is inf and ``omega`` 0.
    """

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        """``h`` and ``dh/dA``, ``(nnz,)``, of one network, on the candidate pattern."""

    def blocks_value_and_gradient(self, A: torch.Tensor, parent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``h``, ``(m,)``, and ``dh/dA``, ``(m, d, k)``, of networks side by side, wherever their tensors are.

        Parameters
        ----------
        A, parent
            ``(m, d, k)`` strengths of the candidates of every gene, and int64 which genes they are.
        """
