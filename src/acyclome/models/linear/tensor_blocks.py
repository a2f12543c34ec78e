"""What least squares on candidates fit when problems stand side by side: products of terms of every gene's candidates.

Coefficients are ``(m, d, k, t)``, of the ``t`` terms of the ``k`` candidates of each of ``d`` genes; lines have one.
Networks of unequal size are filled up with genes, and genes with candidates, that never get a coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates

if TYPE_CHECKING:
    import torch

WIDE_AXES = {"cross": (2,), "mask": (2,), "gram": (2, 4), "parent": (2,), "weight": (), "bound": ()}  # of candidates


class Ragged(NamedTuple):
    """Products of terms of one network as they lie on its candidates."""

    candidates: Candidates
    cross: np.ndarray  # (nnz, t) products with the target
    gram: np.ndarray  # products of the terms of a gene's candidates, (k t, k t), gene after gene
    weight: np.ndarray  # (d,) weight of each gene's loss


class Blocks(NamedTuple):
    """Products of terms of the candidates of every gene."""

    cross: torch.Tensor  # (m, d, k, t) products with the gene
    mask: torch.Tensor  # (m, d, k, 1), 1 where there is a candidate, else 0
    gram: torch.Tensor  # (m, d, k, t, k, t) products of the terms with one another; 0 where there is no candidate
    parent: torch.Tensor  # (m, d, k) int64, the candidates; 0 where there is none
    weight: torch.Tensor  # (m, d) weight of each gene's loss
    bound: torch.Tensor  # (m, d, 1, 1) upper bound of the eigenvalues of each gene's block

    @classmethod
    def of(cls, network: Ragged, like: torch.Tensor) -> Blocks:
        """Lay one network out, with the dtype and on the device of ``like``."""
        import torch

        counts, t = network.candidates.counts, network.cross.shape[1]
        d, k = len(counts), max(int(counts.max(initial=0)), 1)
        offset = np.cumsum((counts * t) ** 2) - (counts * t) ** 2
        width, start, first = (
            torch.as_tensor(part, device=like.device)[:, None]
            for part in (counts, network.candidates.indptr[:-1], offset)
        )
        at = torch.arange(k, device=like.device)
        mask = at < width
        edge = (start + at).where(mask, start.new_zeros(()))
        cross = _gather(network.cross, edge, mask, like=like)
        parent = _gather(network.candidates.parent.astype(np.int64), edge, mask, like=edge)
        term, real = torch.arange(k * t, device=like.device), mask.repeat_interleave(t, 1)
        both = real[:, :, None] & real[:, None, :]
        gram = _gather(network.gram, (first + term * (width * t))[:, :, None] + term, both, like=like)
        weight = torch.as_tensor(network.weight, dtype=like.dtype, device=like.device)
        bound = eigenvalue_bound(gram).reshape(d, 1, 1)
        parts = (cross, mask[..., None].to(like.dtype), gram.reshape(d, k, t, k, t), parent, weight, bound)
        return cls(*(part[None] for part in parts))

    @property
    def n_problems(self) -> int:
        return len(self.cross)

    def times(self, B: torch.Tensor) -> torch.Tensor:
        """Products of every term with what the coefficients predict, of their shape."""
        m, d, k, t = B.shape
        return (self.gram.reshape(m, d, k * t, k * t) @ B.reshape(m, d, k * t, 1)).reshape(B.shape)

    def along(self, values: torch.Tensor) -> torch.Tensor:
        """Return a number of every gene, ``(m, d)``, at all its coefficients."""
        return values[..., None, None]

    def per_gene(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over the candidates of every gene, and terms where there are such, ``(m, d)``."""
        return values.flatten(2).sum(-1)

    def take(self, problems: np.ndarray) -> Blocks:
        return Blocks(*(part[problems] for part in self))

    def start(self) -> dict[str, torch.Tensor]:
        return {"W": self.cross * 0.0}

    def on_candidates(self, number: int, values: torch.Tensor) -> np.ndarray:
        """Read what lies on the blocks of one problem, ``(d, k, t)``, in the order of its candidates, ``(nnz, t)``."""
        return np.asarray(values[self.mask[number, :, :, 0] > 0].double().cpu())


def side_by_side(networks: Sequence[Ragged], like: torch.Tensor) -> Blocks:
    """Lay networks out as one batch, each filled up to the most genes and the most candidates of any.

    What is filled up weighs nothing, so the objectives are those of the networks alone.
    """
    import torch

    parts = [Blocks.of(network, like) for network in networks]
    genes, width = (max(one.cross.shape[axis] for one in parts) for axis in (1, 2))
    joined: dict[str, Any] = {}
    for name, axes in WIDE_AXES.items():
        fill = 1.0 if name == "bound" else 0.0
        lengths = {1: genes, **dict.fromkeys(axes, width)}
        joined[name] = torch.cat([_filled(getattr(one, name), lengths, fill) for one in parts])
    return Blocks(**joined)


def _filled(part: torch.Tensor, lengths: dict[int, int], fill: float) -> torch.Tensor:
    """Fill up some axes to given lengths."""
    import torch

    more = [
        side
        for axis in range(part.ndim - 1, 0, -1)
        for side in (0, lengths.get(axis, part.shape[axis]) - part.shape[axis])
    ]
    return torch.nn.functional.pad(part, more, value=fill)


def eigenvalue_bound(G: torch.Tensor) -> torch.Tensor:
    """Return an upper bound of the eigenvalues of symmetric ``G``, ``(*batch, k, k)``: at most ``k^(1/16)`` too large.

    ``(sum_i l_i^16)^(1/16) = |G^8|_F^(1/8)``, scaled by the largest row sum, itself a bound.
    """
    rows = G.abs().sum(-1).amax(-1)
    power = G / rows.where(rows > 0.0, rows.new_ones(()))[..., None, None]
    for _ in range(3):  # to the eighth: 24% too large at most for 32 terms, and steps as much too short
        power = power @ power
    # Rounding may leave the root too small, and tiny ratios may underflow: a hair on top, and the row sum instead.
    tight = rows * (power.double() ** 2).sum((-2, -1)).pow(1.0 / 16.0).to(G.dtype) * (1.0 + 1e-5)
    return tight.where((tight > 0.0) & (tight < rows), rows).clamp(min=1e-6)


def _gather(values: np.ndarray, where: torch.Tensor, there: torch.Tensor, *, like: torch.Tensor) -> torch.Tensor:
    """Return ``values[where]`` where there is something, else 0, of the kind of ``like``."""
    import torch

    flat = torch.as_tensor(values, dtype=like.dtype, device=like.device)
    if not len(flat):
        return flat.new_zeros((*where.shape, *flat.shape[1:]))
    own = there.reshape(*there.shape, *[1] * (flat.ndim - 1))
    return flat[where.where(there, where.new_zeros(()))].where(own, flat.new_zeros(()))
