"""A model for tests: a small network a gene in torch, with layers, biases and noise variances among its unknowns.

``x_j = v_j' tanh(W_j x_S + b_j) + noise`` of variance ``exp(s_j)``, by maximum likelihood; slopes come from autograd.
"""

from dataclasses import dataclass

import numpy as np
import torch

from acyclome.core.relaxation.shrink import soften_groups


@dataclass(frozen=True)
class GeneNetworks:
    """Unknowns ``W (nnz, hidden)``, ``bias`` and ``out (d, hidden)``, ``log_variance (d,)``; a group lasso on ``W``."""

    hidden: int = 4
    lambda1: float = 0.1

    @property
    def abilities(self):
        return frozenset(("gradient", "shrink", "judge"))

    def statistics(self, problem, candidates):
        target, parent = (torch.as_tensor(part, dtype=torch.int64) for part in (candidates.target, candidates.parent))
        return torch.as_tensor(problem.data.Z, dtype=torch.float64), parent, target

    def start(self, candidates, seed):
        rng, d = np.random.default_rng(seed), candidates.n_genes
        return {
            "W": 0.1 * rng.standard_normal((candidates.n_edges, self.hidden)),
            "bias": np.tile(np.linspace(-1, 1, self.hidden), (d, 1)),
            "out": 0.3 * rng.standard_normal((d, self.hidden)),
            "log_variance": np.zeros(d),
        }

    def strength(self, params):
        return np.square(params["W"]).sum(1)

    def weight(self, params):
        return np.sqrt(self.strength(params))

    def objective(self, statistics, params, *, threads):
        penalty = self.lambda1 * np.linalg.norm(params["W"], axis=1).sum()
        return float(self._losses(statistics, _tensors(params)).sum()) + penalty

    def gradient(self, statistics, params, ridge, *, threads):
        tensors = {name: leaf.requires_grad_() for name, leaf in _tensors(params).items()}
        total = self._losses(statistics, tensors).sum()
        total = total + (torch.as_tensor(ridge) * tensors["W"].square().sum(1)).sum()
        slopes = torch.autograd.grad(total, tensors.values())
        return {name: slope.numpy() for name, slope in zip(tensors, slopes, strict=True)}

    def shrink(self, statistics, params, amount):
        return {**params, "W": soften_groups(params["W"], amount["W"], self.lambda1)}

    def without(self, params, edges):
        return {**params, "W": np.where(edges[:, None], 0.0, params["W"])}

    def judge(self, statistics, params, *, threads):
        n = statistics[0].shape[1]
        tensors = _tensors(params)
        return -n * self._losses(statistics, tensors).numpy(), self._residual(statistics, tensors).numpy()

    def _residual(self, statistics, tensors):
        Z, parent, target = statistics
        inside = tensors["bias"][:, :, None].expand(-1, -1, Z.shape[1])
        inside = inside.index_add(0, target, tensors["W"][:, :, None] * Z[parent][:, None])
        units = torch.tanh(inside)
        units = units - units.mean(2, keepdim=True)
        return (Z - (tensors["out"][:, :, None] * units).sum(1)).square().mean(1)

    def _losses(self, statistics, tensors):
        """Minus log-likelihood of every gene an observation, without its constant."""
        s = tensors["log_variance"]
        return 0.5 * (s + self._residual(statistics, tensors) * torch.exp(-s))


def _tensors(params):
    return {name: torch.tensor(leaf, dtype=torch.float64) for name, leaf in params.items()}
