"""What a linear model fits when problems stand side by side: correlations of whole networks, or of candidates alone.

``Whole`` is for small networks whose pairs are all candidates, or nearly: weights ``(m, d, d)``, ``W[i, j]`` the edge
``i -> j``.  ``Blocks`` is for large ones: weights ``(m, d, k)``, those of the ``k`` candidates of each of ``d`` genes.
Networks of unequal size are filled up with genes, and genes with candidates, that never get a weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from acyclome.core.acyclicity import Acyclicity
from acyclome.core.data.candidates import Candidates
from acyclome.core.order_search.select import Pools

if TYPE_CHECKING:
    import torch


WIDE_AXES = {"cross": 1, "mask": 1, "gram": 2, "parent": 1, "weight": 0, "bound": 0}  # as many axes of candidates


class Whole(NamedTuple):
    """Correlations of whole networks.

    Parameters
    ----------
    cross
        ``(m, d, d)`` correlations ``R``.
    mask
        ``(m, d, d)`` 1 where ``i -> j`` is a candidate, else 0, in the dtype of ``R``.
    weight
        ``(m, d)`` weight of each gene's loss, 1 or its variance.
    bound
        ``(m, 1, 1)`` upper bound of the eigenvalues of ``R``.
    """

    cross: torch.Tensor
    mask: torch.Tensor
    weight: torch.Tensor
    bound: torch.Tensor

    @classmethod
    def of(cls, R: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor) -> Whole:
        """Return the statistics of correlations; a gene is never its own candidate."""
        mask = mask.to(R.dtype, copy=True)
        mask.diagonal(dim1=-2, dim2=-1).zero_()
        return cls(R, mask, weight, eigenvalue_bound(R)[..., None, None])

    @property
    def n_members(self) -> int:
        """Number of problems, ``m``."""
        return len(self.cross)

    def times(self, W: torch.Tensor) -> torch.Tensor:
        """Correlations of every candidate with what the weights predict, of the shape of ``W``."""
        return self.cross @ W

    def along(self, values: torch.Tensor) -> torch.Tensor:
        """Return a number of every gene, ``(m, d)``, at all its candidates."""
        return values[..., None, :]

    def per_gene(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over the candidates of every gene, ``(m, d)``."""
        return values.sum(-2)

    def cyclicity(self, acyclicity: Any, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``h``, ``(m,)``, and ``dh/dA`` of strengths."""
        return acyclicity.dense_value_and_gradient(A)

    def take(self, members: np.ndarray) -> Whole:
        """Return the statistics of some members."""
        return Whole(*(part[members] for part in self))


class Blocks(NamedTuple):
    """Correlations of the candidates of every gene.

    Parameters
    ----------
    cross, mask
        ``(m, d, k)`` correlations of candidates and gene; 1 where there is a candidate, else 0.
    gram
        ``(m, d, k, k)`` correlations of the candidates with one another; 0 where there is none.
    parent
        ``(m, d, k)`` int64, the candidates; 0 where there is none.
    weight
        ``(m, d)`` weight of each gene's loss.
    bound
        ``(m, d, 1)`` upper bound of the eigenvalues of each gene's block.
    """

    cross: torch.Tensor
    mask: torch.Tensor
    gram: torch.Tensor
    parent: torch.Tensor
    weight: torch.Tensor
    bound: torch.Tensor

    @classmethod
    def of(cls, pools: Pools, gene_weight: np.ndarray, like: torch.Tensor) -> Blocks:
        """Lay the blocks of one network out, with the dtype and on the device of ``like``."""
        import torch

        genes = len(gene_weight)
        width = torch.as_tensor(pools.gene["width"].copy(), device=like.device)[:, None]
        start, offset = (
            torch.as_tensor(pools.gene[name].copy(), device=like.device)[:, None] for name in ("start", "offset")
        )
        a = torch.arange(max(int(pools.gene["width"].max(initial=0)), 1), device=like.device)
        mask = a < width
        edge = (start + a).where(mask, start.new_zeros(()))
        both = mask[:, :, None] & mask[:, None, :]
        at = (offset + a * width)[:, :, None] + a
        cross, gram = (
            _gather(values, where, held, like)
            for values, where, held in ((pools.cross, edge, mask), (pools.gram, at, both))
        )
        parent = _gather(pools.parent.astype(np.int64), edge, mask, edge)
        weight = torch.as_tensor(gene_weight, dtype=like.dtype, device=like.device)
        bound = eigenvalue_bound(gram).reshape(genes, 1)
        return cls(*(part[None] for part in (cross, mask.to(like.dtype), gram, parent, weight, bound)))

    @property
    def n_members(self) -> int:
        """Number of problems, ``m``."""
        return len(self.cross)

    def times(self, W: torch.Tensor) -> torch.Tensor:
        """Correlations of every candidate with what the weights predict, of the shape of ``W``."""
        return (self.gram @ W[..., None])[..., 0]

    def along(self, values: torch.Tensor) -> torch.Tensor:
        """Return a number of every gene, ``(m, d)``, at all its candidates."""
        return values[..., None]

    def per_gene(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over the candidates of every gene, ``(m, d)``."""
        return values.sum(-1)

    def cyclicity(self, acyclicity: Acyclicity, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return ``h``, ``(m,)``, and ``dh/dA`` of strengths."""
        return acyclicity.blocks_value_and_gradient(A, self.parent)

    def take(self, members: np.ndarray) -> Blocks:
        """Return the statistics of some members."""
        return Blocks(*(part[members] for part in self))

    def on_candidates(self, values: torch.Tensor, member: int, candidates: Candidates) -> np.ndarray:
        """Read what lies on the blocks of one member, ``(d, k)``, in the order of its candidates, ``(nnz,)``."""
        own = values[: candidates.n_genes]
        found: np.ndarray = own[self.mask[member, : candidates.n_genes] > 0].double().cpu().numpy()
        return found


def side_by_side(members: Sequence[Blocks]) -> Blocks:
    """Join networks into one batch, each filled up to the most genes and the most candidates of any.

    What is filled up weighs nothing, so the objectives are those of the networks alone.
    """
    import torch

    genes, width = (max(one.cross.shape[axis] for one in members) for axis in (1, 2))
    joined: dict[str, Any] = {}
    for name, axes in WIDE_AXES.items():
        fill = 1.0 if name == "bound" else 0.0
        joined[name] = torch.cat([_filled(getattr(one, name), genes, width, axes, fill) for one in members])
    return Blocks(**joined)


def _filled(part: torch.Tensor, genes: int, width: int, axes: int, fill: float) -> torch.Tensor:
    """Fill up to ``genes`` along axis 1, and to ``width`` along the last ``axes``."""
    import torch

    wide = [side for _ in range(axes) for side in (0, width - part.shape[-1])]
    flat = [0, 0] * (part.ndim - 2 - axes)
    return torch.nn.functional.pad(part, [*wide, *flat, 0, genes - part.shape[1]], value=fill)


def eigenvalue_bound(G: torch.Tensor) -> torch.Tensor:
    """Return an upper bound of the eigenvalues of symmetric ``G``, ``(*batch, k, k)``: at most ``k^(1/16)`` too large.

    ``(sum_i l_i^16)^(1/16) = |G^8|_F^(1/8)``, scaled by the largest row sum, itself a bound.
    """
    rows = G.abs().sum(-1).amax(-1)
    power = G / rows.where(rows > 0.0, rows.new_ones(()))[..., None, None]
    for _ in range(3):
        power = power @ power
    tight = rows * (power.double() ** 2).sum((-2, -1)).pow(1.0 / 16.0).to(G.dtype) * (1.0 + 1e-5)
    return tight.where((tight > 0.0) & (tight < rows), rows).clamp(min=1e-6)


def _gather(values: np.ndarray, where: torch.Tensor, held: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    import torch

    flat = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    if not len(flat):
        return flat.new_zeros(where.shape)
    return flat[where.where(held, where.new_zeros(()))].where(held, flat.new_zeros(()))
