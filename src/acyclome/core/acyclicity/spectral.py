"""The spectral radius."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import splu

from acyclome.core.acyclicity.matrix import (
    OfMatrices,
    rounding,
    same_component,
    sparse_matrix,
    strong_components,
    within_domain,
)
from acyclome.core.acyclicity.perron import RTOL, perron, projector
from acyclome.core.data.candidates import Candidates

if TYPE_CHECKING:
    import torch

TIE = 1e-9  # share to which radii of components have to agree to count as equal: far above what perron leaves, 1e-12
NEUMANN_STEPS = 2000  # as many as genes on a path; where other cycles are nearly as strong the system is factorized


@dataclass(frozen=True)
class SpectralRadius(OfMatrices):
    """``h(A) = rho(A)``, the largest eigenvalue (NO-BEARS: Lee et al. 2020), without a floor on ``A``.

    ``dh/dA_ij = u_i v_j / u'v`` with the left and right vectors of the strong component that attains the radius,
    carried on to the genes that it reaches (``u``) and that reach it (``v``).  Each component is iterated with a shift,
    because powers of a bare cycle only turn round; without one there is no component and ``h`` is exactly 0.  It cannot
    see cycles outside the component of the largest radius, up to that radius; on an acyclic graph the gradient, which
    is unbounded at edges that would close a cycle, is returned as 0.

    Notes
    -----
    Where several components share the radius there is no gradient: the mean of theirs is returned, each inside its own
    component.  Cost: the strong components, some products with the sparse matrix, one sparse factorization.
    """

    def value_and_gradient(self, A: np.ndarray, candidates: Candidates, threads: int) -> tuple[float, np.ndarray]:
        matrix = sparse_matrix(A, candidates)
        rho, leading = _leading(matrix)
        omega = np.zeros(candidates.n_edges)
        for genes, u, v in leading:
            left, right = np.zeros(candidates.n_genes), np.zeros(candidates.n_genes)
            left[genes], right[genes] = u, v / (len(leading) * (u @ v))
            if len(leading) == 1:
                left = left + _carried(matrix.T, genes, left, rho=rho)
                right = right + _carried(matrix, genes, right, rho=rho)
            omega += left[candidates.parent] * right[candidates.target]
        return rho, omega

    def dense_value_and_gradient(self, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``h``, ``(*batch,)``, and ``dh/dA``, ``(*batch, d, d)``; equal to half the digits is a tie."""
        together = same_component(A)
        rho, P = projector(A * together, together)
        h = rho.amax(-1)
        leads = (rho >= h[..., None] * (1.0 - rounding(A) ** 0.5)) & (h > 0.0)[..., None]
        weight = leads.to(A.dtype)
        count = (weight / together.sum(-1)).sum(-1)
        P = P * (weight / count.clamp(min=1.0)[..., None])[..., None]
        alone = (count.round() == 1.0)[..., None]
        u, v = P.sum(-2), P.sum(-1)
        norm = (u * v).sum(-1)
        left = _carried_dense(A, u, h, leads=leads, alone=alone)
        right = _carried_dense(A.mT, v, h, leads=leads, alone=alone)
        outer = left[..., :, None] * right[..., None, :] / norm.where(norm > 0.0, norm.new_ones(()))[..., None, None]
        return within_domain(h, outer.where(alone[..., None], P.mT))


def _leading(matrix: csr_array) -> tuple[float, list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Return the radius, and ``(genes, left, right)`` of every strong component that attains it.

    Components are taken by their largest row or column sum, which bounds the radius; those bounded away are left out.
    """
    component = strong_components(matrix)
    coo = matrix.tocoo()
    inside = component[coo.row] == component[coo.col]
    cyclic = csr_array((coo.data[inside], (coo.row[inside], coo.col[inside])), shape=matrix.shape)
    bound = np.zeros(component.max(initial=-1) + 1)
    np.maximum.at(bound, component, cyclic.sum(axis=1))
    columns = np.zeros_like(bound)
    np.maximum.at(columns, component, cyclic.sum(axis=0))
    bound = np.minimum(bound, columns)
    genes = np.split(np.argsort(component, kind="stable"), np.cumsum(np.bincount(component))[:-1])
    rho, found = 0.0, []
    for c in np.argsort(-bound, kind="stable"):  # the first is mostly the one, and the others are bounded away
        if bound[c] <= 0.0 or bound[c] < rho * (1.0 - TIE):
            break
        radius, u, v = perron(cyclic[genes[c]][:, genes[c]])
        found.append((radius, (genes[c], u, v)))
        rho = max(rho, radius)
    return rho, [vectors for radius, vectors in found if radius >= rho * (1.0 - TIE)]


def _carried(matrix: csr_array, genes: np.ndarray, vector: np.ndarray, *, rho: float) -> np.ndarray:
    """Continue the eigenvector of a component on all other genes: ``(rho I - A_rr) x = A_rc v``.

    Its Neumann series ends by itself where the other genes lie on no cycle, and soon where their radius is much
    smaller; else the system is factorized.
    """
    out = np.zeros(len(vector))
    others = np.setdiff1d(np.arange(len(vector)), genes)
    entering = (matrix @ vector)[others] / rho
    inner = csr_array(matrix)[others][:, others] / rho
    term = total = entering
    for _ in range(NEUMANN_STEPS):
        term = inner @ term
        total = total + term
        if term.sum() <= RTOL * total.sum():
            out[others] = total
            return out
    system = eye_array(len(others), format="csc") - inner.tocsc()
    out[others] = np.abs(splu(system, diag_pivot_thresh=0.0).solve(entering))
    return out


def _carried_dense(
    A: torch.Tensor, vector: torch.Tensor, h: torch.Tensor, *, leads: torch.Tensor, alone: torch.Tensor
) -> torch.Tensor:
    """Extend ``vector``, ``(*batch, d)``, to the genes outside the leading component where one component leads alone.

    ``A`` transposed serves the right vector: rows of ``A`` here are the genes that the vector flows out of.
    """
    import torch

    scaled = A / h.where(h > 0.0, h.new_ones(()))[..., None, None]
    outside = (~leads & alone).to(A.dtype)
    entering = (vector[..., None, :] @ scaled)[..., 0, :] * outside
    system = -scaled.mT * outside[..., :, None] * outside[..., None, :]
    system.diagonal(dim1=-2, dim2=-1).add_(1.0)
    return vector + torch.linalg.solve_ex(system, entering[..., None])[0][..., 0].abs()
