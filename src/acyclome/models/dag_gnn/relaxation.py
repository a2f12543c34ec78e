"""DAG-GNN on candidates: a variational autoencoder whose latent genes depend on one another by lines.

Choice: the hidden units of encoder and decoder are spread over the range of a standardized gene and stay there; what is
learned are readouts, of every gene or one for all.  Reason: every unknown then belongs to a gene, and curvatures are of
one size, so that the steps that fit edges fit networks too.  What would change it: networks of several layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri

from acyclome.core.data.basis import orthonormal
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften
from acyclome.core.relaxation.tree import Params, on_host
from acyclome.core.workers import run_blocks
from acyclome.models.dag_gnn.networks import Genes, Latent, Readouts, bounds, encode, units
from acyclome.models.dag_gnn.sparse import Edges
from acyclome.models.network_blocks import one_torch_thread
from acyclome.models.own_rows import OwnRows, loss_weights

if TYPE_CHECKING:
    import torch
    from torch import Tensor

DRAWS = 64  # of the posterior's noise, which observations share in turn: strata of the normal law, so means are exact
VALUES = 1 << 22  # numbers of hidden units held at once by a thread, 16 MB in float32
STREAM = 0xDA6  # of the order of the draws
DECODER_NOISE = 0.3  # standard deviation at the start; it falls to what the latent genes leave
POSTERIOR = 0.1  # standard deviation of a latent gene at the start: curves are seen through it


class Statistics(NamedTuple):
    """What is fitted, on the device of the computation."""

    genes: Genes
    edges: Edges
    noise: Tensor  # (d, draws) standard normal
    blocks: list[tuple[int, int]]


@dataclass(frozen=True)
class DagGnn:
    """``X = f2((I - A')^-1 f1(Z))`` with ``f1`` a scale and ``f2`` a network per gene (DAG-GNN: Yu et al. 2019).

    ``F = sum_j s_j (-ELBO_j / n + lambda1 sum_i |A_ij|)``, with ``U = f3(X)`` the encoded genes, of variance 1, and

    ``-ELBO_j / n = E_q[1/2 ((x_j - m(u~_j)) / s(u~_j))^2 + log s(u~_j)] + 1/2 sum_k log(1 + mean M_jk^2 / S_jk^2)``,

    posterior ``Z ~ N(M, S^2)`` with ``M = (I - A') U``, prior ``N(0, mean M^2 + S^2)``, its best.  As the decoder
    applies the inverse to what the encoder multiplied by ``I - A'``, ``u~ = U + (I - A')^-1 S e``: the inverse acts on
    noise alone.  It is the series ``sum_k A'^k`` of ``terms`` terms, exact where no path is longer; elsewhere it lacks
    ``A'^terms (I - A')^-1 S e``, noise that came along longer paths.  Strength ``A^2``.
    """

    hidden: int  # units of encoder and decoder
    dims: int  # latent numbers a gene, which share A
    shared: bool  # whether all genes have one encoder and one decoder, as in the paper
    lambda1: float  # weight of the lasso
    terms: int  # of the series

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("gradient", "shrink", "sign"))

    def statistics(self, problem: Problem, candidates: Candidates) -> Statistics:
        """Expand every gene by the hidden units, orthonormal from the line on.

        Memory: ``4 (2 + hidden) d n`` bytes, 0.1 GB for 2,000 genes and 1,000 observations.
        """
        import torch

        data, device = problem.data, problem.backend.device
        d, n = data.Z.shape
        X, terms = np.empty((d, n), np.float32), np.empty((d, 1 + self.hidden, n), np.float32)
        own = np.ones((d, n), np.float32) if data.interventions.any else None

        def block(first: int, last: int) -> None:
            for j in range(first, last):
                rows = OwnRows.of(data, j)
                X[j] = rows.response(data.Z[j])
                if own is not None and rows.own is not None:
                    own[j] = rows.everywhere(np.ones(len(rows.own), np.float32))
                terms[j] = orthonormal(units(X[j].astype(np.float64), self.hidden))

        run_blocks(block, gene_blocks(d, 64), problem.threads)
        strata = ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
        noise = np.random.default_rng(STREAM).permuted(np.tile(strata / strata.std(), (d, 1)), axis=1)
        weight = loss_weights(data)

        def there(values: np.ndarray) -> torch.Tensor:
            return torch.as_tensor(values.astype(np.float32, copy=False), device=device)

        genes = Genes(there(X), there(terms), None if own is None else there(own), there(weight))
        blocks = gene_blocks(d, max(VALUES // (self.hidden * n), 1))
        return Statistics(genes, Edges.of(candidates, device), there(noise), blocks)

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        """Begin with lines that encode and decode, and no edges; further latent numbers begin as one unit each."""
        d, k = (1 if self.shared else candidates.n_genes), 1 + self.hidden
        encoder, mean, spread = np.zeros((d, self.dims, k)), np.zeros((d, self._decoded)), np.zeros((d, self._decoded))
        encoder[:, np.arange(self.dims), np.arange(self.dims) % k] = 1.0
        mean[:, 1], spread[:, 0] = 1.0, np.log(DECODER_NOISE)
        size = np.sqrt(candidates.n_genes) if self.shared else 1.0  # so that a shared unknown bends as one of a gene
        posterior = np.full((candidates.n_genes, self.dims), np.log(POSTERIOR))
        return {
            "W": np.zeros(candidates.n_edges),
            "encoder": size * encoder,
            "mean": size * mean,
            "spread": size * spread,
            "posterior": posterior,
        }

    @property
    def _decoded(self) -> int:
        """Inputs of the decoder's readouts: 1, the latent numbers, hidden units of them."""
        return 1 + self.dims + self.hidden

    def strength(self, params: Params) -> np.ndarray:
        """Return ``A^2``."""
        return np.square(params["W"])

    def weight(self, params: Params) -> np.ndarray:
        """Return ``A``, in standard deviations of the encoded genes, which rise with the genes where they begin."""
        return np.asarray(params["W"])

    def objective(self, statistics: Statistics, params: Params, *, threads: int) -> float:
        return float(self.losses(statistics, params, threads=threads).sum())

    def losses(self, statistics: Statistics, params: Params, *, threads: int) -> np.ndarray:
        """Return every gene's share of the objective, ``(d,)``."""
        import torch

        def decoded(first: int, last: int) -> Tensor:
            given = Latent(*(part[first:last] for part in latent))
            return bounds(statistics.genes.part(first, last), given, _readouts(own, first, last))

        with one_torch_thread(), torch.no_grad():
            own = self._on_device(statistics, params)
            latent = self._latent(statistics, own, threads)
            loss = torch.cat(run_blocks(decoded, statistics.blocks, threads)).double().cpu().numpy()
        penalty = self.lambda1 * statistics.edges.per_target(np.abs(params["W"]))
        found: np.ndarray = loss + on_host(statistics.genes.weight) * penalty
        return found

    def gradient(self, statistics: Statistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Walk back from the decoder over the edges to the encoder; every gene's networks are a part of their own."""
        import torch

        def decoded(first: int, last: int) -> list[Tensor]:
            given = Latent(*(part[first:last].requires_grad_() for part in latent))
            readouts = Readouts(*(leaf.requires_grad_() for leaf in _readouts(own, first, last)))
            loss = bounds(statistics.genes.part(first, last), given, readouts).sum()
            return list(torch.autograd.grad(loss, [*given, *readouts]))

        def encoded(first: int, last: int) -> Tensor:
            V = _rows(own["encoder"], first, last).requires_grad_()
            return torch.autograd.grad(encode(statistics.genes.part(first, last), V), V, to_U[first:last])[0]

        with one_torch_thread():
            own = self._on_device(statistics, params)
            with torch.no_grad():
                latent = self._latent(statistics, own, threads)
            parts = [list(part) for part in zip(*run_blocks(decoded, statistics.blocks, threads), strict=True)]
            back = Latent(*(torch.cat(part) for part in parts[:3]))
            readouts = zip(Readouts._fields, parts[3:], strict=True)
            slopes = {name: _joined(statistics, own[name], part) for name, part in readouts}
            with torch.no_grad():
                slopes["W"], to_posterior, to_U = self._back(statistics, own, latent.U, back=back)
            slopes["posterior"] = slopes["posterior"] + to_posterior
            slopes["encoder"] = _joined(statistics, own["encoder"], run_blocks(encoded, statistics.blocks, threads))
        found = {name: on_host(slopes[name]) for name in params}
        found["W"] = found["W"] + 2.0 * ridge * params["W"]
        return found

    def shrink(self, statistics: Statistics, params: Params, amount: Params) -> Params:
        weight = on_host(statistics.genes.weight)[statistics.edges.targets]
        return {**params, "W": soften(params["W"], self.lambda1 * weight * amount["W"])}

    def _on_device(self, statistics: Statistics, params: Params) -> dict[str, Tensor]:
        import torch

        X = statistics.genes.X
        own = {name: torch.as_tensor(np.asarray(leaf), dtype=X.dtype, device=X.device) for name, leaf in params.items()}
        if self.shared:
            own |= {name: own[name] / len(X) ** 0.5 for name in ("encoder", "mean", "spread")}
        return own

    def _latent(self, statistics: Statistics, own: dict[str, Tensor], threads: int) -> Latent:
        import torch

        def encoded(first: int, last: int) -> Tensor:
            return encode(statistics.genes.part(first, last), _rows(own["encoder"], first, last))

        U = torch.cat(run_blocks(encoded, statistics.blocks, threads))
        powers = self._powers(statistics, own)
        return Latent(U, U - statistics.edges.times(own["W"], U), sum(powers[1:], powers[0]))

    def _powers(self, statistics: Statistics, own: dict[str, Tensor]) -> list[Tensor]:
        """Return ``A'^k S e`` of every ``k`` up to where none is left, ``(d, dims, draws)`` each."""
        powers = [own["posterior"].exp()[:, :, None] * statistics.noise[:, None]]
        for _ in range(self.terms - 1):
            power = statistics.edges.times(own["W"], powers[-1])
            if not bool(power.any()):
                break
            powers.append(power)
        return powers

    def _back(
        self, statistics: Statistics, own: dict[str, Tensor], U: Tensor, *, back: Latent
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Walk back from ``M`` and from the series to edges, the posterior and the encoded genes."""
        edges, W, powers = statistics.edges, own["W"], self._powers(statistics, own)
        to_W, noise = -edges.products(back.M, U), back.noise
        for power in reversed(powers[:-1]):  # Horner's rule, from the longest paths on
            to_W = to_W + edges.products(noise, power)
            noise = back.noise + edges.times_transposed(W, noise)
        return to_W, (noise * powers[0]).sum(-1), back.U + back.M - edges.times_transposed(W, back.M)


def _rows(leaf: Tensor, first: int, last: int) -> Tensor:
    """Return a leaf of some genes, cut off from where it came from; that of all genes where they share it."""
    return (leaf if len(leaf) == 1 else leaf[first:last]).detach()


def _readouts(own: dict[str, Tensor], first: int, last: int) -> Readouts:
    return Readouts(*(_rows(own[name], first, last) for name in Readouts._fields))


def _joined(statistics: Statistics, whole: Tensor, parts: Sequence[Tensor]) -> Tensor:
    """Put the slopes of blocks together as those of ``whole``; those of a leaf that genes share are added up."""
    import torch

    if len(whole) == 1 < len(statistics.genes.X):
        return torch.stack(list(parts)).sum(0) / len(statistics.genes.X) ** 0.5
    return torch.cat(list(parts))
