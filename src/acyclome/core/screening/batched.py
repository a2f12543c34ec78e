"""Screening for many genes at once, written for tensors on any device: the views of ``screen``, in blocks of genes.

What is found is the same up to ties and rounding; ``screen`` has the meaning of every setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.moments import WHOLE_GENES
from acyclome.core.data.problem import Problem
from acyclome.core.screening.partial_correlation import LEAST_DIAGONAL
from acyclome.core.screening.screen import ScreenSettings, Views, is_screened, screen, unite
from acyclome.core.screening.spurious import NEAR, SKEWED, edge_cost
from acyclome.core.screening.stepwise import LEAST_LEFT, LEAST_RESIDUAL

if TYPE_CHECKING:
    import torch

BLOCK_VALUES = 1 << 26  # of the projections of a block of genes: 256 MB in float32


def screen_batched(problem: Problem, settings: ScreenSettings, device: torch.device) -> Candidates:
    """Return the candidate edges, found on ``device``; small networks and those without correlations on threads."""
    if not is_screened(problem, settings) or problem.n_genes > WHOLE_GENES:
        return screen(problem, settings)
    import torch

    Z = torch.as_tensor(problem.data.Z, device=device)
    selected = forward_select_batched(problem, correlations_of(Z), settings)
    return unite(problem, Views(selected, strongest_partial_batched(problem, Z, settings)), settings)


def correlations_of(Z: torch.Tensor) -> torch.Tensor:
    """Return ``Z Z' / n``, ``(d, d)``, symmetric, with a diagonal of 1, or 0 for constant genes.

    At 10,000 genes 0.4 GB in float32, and for a moment three times as much.
    """
    R = (Z @ Z.mT) / Z.shape[1]
    R = (R + R.mT) / 2.0
    R.diagonal().copy_((R.diagonal() > 0.5).to(R.dtype))
    return R


def forward_select_batched(problem: Problem, R: torch.Tensor, settings: ScreenSettings) -> np.ndarray:
    """Select regressors forward for every gene, ``(d, forward_steps)``, as :func:`forward_select` does.

    Cost: ``d^2 forward_steps^2 / 2``, all of it in reading and writing; memory: ``forward_steps`` rows a gene at hand.
    """
    import torch

    data, constraints, steps = problem.data, problem.constraints, settings.forward_steps
    d, sources = data.n_genes, np.flatnonzero(constraints.sources)
    if len(sources) == 0 or steps == 0:
        return np.full((d, steps), -1, np.int32)
    own = torch.as_tensor(sources, device=R.device)
    whole = len(sources) == d  # no copy of 0.4 GB without need
    P = R if whole else R[own][:, own].contiguous()
    skewness = torch.as_tensor(data.skewness, dtype=R.dtype, device=R.device)
    min_drop = 1.0 - float(np.exp(-2.0 * settings.min_gain / data.n_effective))
    least, selected = edge_cost(data.n_effective, d), []
    for a, b in gene_blocks(d, max(BLOCK_VALUES // (len(sources) * steps), 1)):
        C = R[a:b] if whole else R[a:b][:, own]
        if data.interventions.any:  # each gene from its own observations
            C = torch.as_tensor(data.rows(a, b, sources), dtype=R.dtype, device=R.device)
        shut = _are_spurious(C, skewness[a:b, None] * skewness[own], n=data.n_effective, least=least)
        shut |= own == torch.arange(a, b, device=R.device)[:, None]
        if constraints.excludes_pairs:
            shut |= torch.as_tensor(constraints.excluded(a, b)[:, sources], device=R.device)
        selected.append(_select(P, C, P.diagonal() * ~shut, steps=steps, min_drop=min_drop))
    at = torch.cat(selected)
    return torch.where(at >= 0, own[at.clamp(min=0)], at).to(torch.int32).cpu().numpy()


def _select(P: torch.Tensor, c: torch.Tensor, v: torch.Tensor, *, steps: int, min_drop: float) -> torch.Tensor:
    """Select for a block of genes, ``(b, steps)``; ``c`` and ``v``, ``(b, p)``: what is left to explain, and with."""
    import torch

    genes, p = c.shape
    selected = torch.full((genes, steps), -1, dtype=torch.int64, device=c.device)
    Q = c.new_zeros((genes, steps, p))
    residual, open_ = c.new_ones(genes), torch.ones(genes, dtype=torch.bool, device=c.device)
    for step in range(steps):
        gain = (c * c / v).where(v > LEAST_LEFT, c.new_zeros(()))  # what is shut has v = 0
        best, new = gain.max(1)
        open_ = open_ & (best > 0.0) & (best >= min_drop * residual) & (residual >= LEAST_RESIDUAL)
        selected[:, step] = new.where(open_, selected[:, step])
        at = new[:, None]
        f = Q[:, :step].gather(2, at[:, None].expand(-1, step, 1)).mT
        q = P[new] - (f @ Q[:, :step])[:, 0]
        root = v.gather(1, at).clamp(min=LEAST_LEFT).rsqrt() * open_[:, None]  # 0: a gene that is done takes no more
        q = q * root
        Q[:, step] = q
        c = c - (c.gather(1, at) * root) * q
        v = (v - q * q).scatter(1, at, 0.0)
        residual = residual - best * open_
    return selected


def _are_spurious(r: torch.Tensor, m: torch.Tensor, *, n: float, least: float) -> torch.Tensor:
    """Say which correlations ``r`` skewed genes have by chance, see :mod:`acyclome.core.screening.spurious`."""
    u = r * m
    evidence = n / (m * m) * ((1.0 + u) * u.log1p() - u)
    return (u >= SKEWED) & (0.5 * n * r * r >= NEAR * least) & (evidence < least)


def strongest_partial_batched(problem: Problem, Z: torch.Tensor, settings: ScreenSettings) -> np.ndarray:
    """Return for every gene the genes of largest shrunken partial correlation, as :func:`strongest_partial` does."""
    import torch

    constraints = problem.constraints
    d, keep = len(Z), min(settings.partial, max(int(constraints.sources.sum()) - 1, 0))
    if keep == 0:
        return np.full((d, 0), -1, np.int32)
    left, diagonal = _precision_factor(Z, settings.shrinkage)
    own = torch.as_tensor(constraints.sources, device=Z.device)
    scale = diagonal.clamp(min=LEAST_DIAGONAL).rsqrt().to(Z.dtype) * own
    strongest = []
    for a, b in gene_blocks(d, max(BLOCK_VALUES // d, 1)):
        K = (left[a:b] @ left.mT if left.shape[1] != d else left[a:b]).abs() * scale
        K[torch.arange(b - a, device=K.device), torch.arange(a, b, device=K.device)] = 0.0
        if constraints.excludes_pairs:
            K[torch.as_tensor(constraints.excluded(a, b), device=K.device)] = 0.0
        size, at = K.topk(keep, dim=1)
        strongest.append(at.where(size > 0.0, at.new_full((), -1)))
    return torch.cat(strongest).to(torch.int32).cpu().numpy()


def _precision_factor(Z: torch.Tensor, a: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a factor ``(d, n)`` of ``-K`` off the diagonal where ``n < d``, else ``K``, ``(d, d)``; and ``diag K``."""
    import torch

    d, n = Z.shape
    if n < d:
        S = Z.mT.double() @ Z.double()  # float32 is enough for the factor, not for the Cholesky that it comes from
        S.diagonal().add_(a / (1.0 - a) * n)
        factor = torch.linalg.solve_triangular(torch.linalg.cholesky(S).to(Z.dtype), Z.mT, upper=False).mT
        return factor, 1.0 - (factor.double() ** 2).sum(1)
    M = (1.0 - a) * correlations_of(Z).double()
    M.diagonal().add_(a)
    K = torch.cholesky_inverse(torch.linalg.cholesky(M))
    return K.to(Z.dtype), K.diagonal()
