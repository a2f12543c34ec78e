"""Encoder and decoder of some genes: readouts of hidden units that are spread over their range, and the bound.

All of it is per gene: nothing of one depends on what stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

RANGE = 2.0  # standard deviations over which hidden units are spread either way
LEAST_NOISE = 0.05  # standard deviation of the decoder, at least: without it one gene could outweigh all others
DECAY = 1e-3  # ridge of readouts, as of the output weights of NOTEARS-MLP
TINY = 1e-12


class Genes(NamedTuple):
    """What is known of ``g`` genes."""

    X: Tensor  # (g, n) in standard deviations of their own observations
    terms: Tensor  # (g, 1 + hidden, n) their lines and hidden units, orthonormal
    own: Tensor | None  # (g, n) 1 where the gene was no target; None where none ever was
    weight: Tensor  # (g,) share of observations in which the gene was no target

    def part(self, first: int, last: int) -> Genes:
        """Return some of the genes."""
        return Genes(*(None if part is None else part[first:last] for part in self))  # type: ignore[arg-type]

    def mean(self, values: Tensor) -> Tensor:
        """Mean over the own observations, along the last axis, which stays; ``(g, n)`` or ``(g, dims, n)``."""
        if self.own is None:
            return values.mean(-1, keepdim=True)
        own = self.own if values.ndim == 2 else self.own[:, None]
        return (values * own).sum(-1, keepdim=True) / own.sum(-1, keepdim=True)


class Latent(NamedTuple):
    """What the encoder and the edges say of genes."""

    U: Tensor  # (g, dims, n) encoded genes
    M: Tensor  # (g, dims, n) means of the posterior
    noise: Tensor  # (g, dims, q) its noise, as it arrives along the edges


class Readouts(NamedTuple):
    """Readouts of the decoder and the spread of the posterior, one row a gene or, of readouts, one for all."""

    mean: Tensor  # (g, 1 + dims + hidden)
    spread: Tensor  # (g, 1 + dims + hidden)
    posterior: Tensor  # (g, dims) log standard deviation


def encode(genes: Genes, V: Tensor) -> Tensor:
    """Return encoded genes, of mean 0 and variance 1 over the own observations, ``(g, dims, n)``."""
    u = V @ genes.terms
    u = u - genes.mean(u)
    return u / (genes.mean(u.square()) + TINY).sqrt()


def bounds(genes: Genes, latent: Latent, readouts: Readouts) -> Tensor:
    """Return minus the evidence lower bounds of the genes, weighted, ``(g,)`` nats an observation.

    Without ``log(2 pi) / 2``; with a ridge on the readouts of hidden units.
    """
    import torch

    (mean, spread, posterior), dims = readouts, latent.U.shape[1]
    n, draws, hidden = genes.X.shape[1], latent.noise.shape[2], mean.shape[1] - 1 - dims
    seen = latent.U + latent.noise.repeat(1, 1, -(-n // draws))[:, :, :n]
    inputs = torch.cat([torch.ones_like(seen[:, :1]), seen, _hidden_units(seen, hidden)], 1)
    expected, log_noise = ((readout[:, None] @ inputs)[:, 0] for readout in (mean, spread))
    log_noise = log_noise.clamp_min(float(np.log(LEAST_NOISE)))
    left = genes.mean(0.5 * ((genes.X - expected) * (-log_noise).exp()).square() + log_noise)[:, 0]
    size = genes.mean(latent.M.square())[:, :, 0]
    prior = 0.5 * torch.log1p(size * (-2.0 * posterior).exp()).sum(1)
    units = slice(1 + dims, None)
    decay = 0.5 * DECAY * (mean[:, units].square() + spread[:, units].square()).sum(1)
    return genes.weight * (left + prior + decay)


def units(x: np.ndarray, hidden: int) -> np.ndarray:
    """Return a standardized gene ``(n,)`` and hidden units of it, ``(1 + hidden, n)``."""
    return np.vstack([x[None], np.tanh(_slope(hidden) * (x - np.linspace(-RANGE, RANGE, hidden)[:, None]))])


def _slope(hidden: int) -> float:
    """Slope of a unit that is bent half way where the next but one is in its middle."""
    return max(hidden - 1, 1) / (2.0 * RANGE)


def _hidden_units(u: Tensor, hidden: int) -> Tensor:
    """Hidden units of latent numbers ``(g, dims, n)``, ``(g, hidden, n)``; several numbers take them in turn."""
    import torch

    at = torch.arange(hidden, device=u.device) % u.shape[1]
    place = torch.linspace(-RANGE, RANGE, hidden, dtype=u.dtype, device=u.device)
    return torch.tanh(_slope(hidden) * (u[:, at] - place[:, None]))
