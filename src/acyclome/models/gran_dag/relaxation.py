"""The problem of GraN-DAG on candidates: a network a gene, whose paths are the strengths of edges.

Choice: given the weights of ``h`` every gene's network improves by itself, by Adam with the proximal map of the first
layer, which makes absent edges exactly absent.  Reason: genes are one tensor and share no step length, and no threshold
has to say what is zero.  What would change it: layers that genes share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.index_maps import row_pointers
from acyclome.core.data.moments import Moments
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.problem import Ability
from acyclome.core.relaxation.shrink import soften
from acyclome.core.relaxation.tree import Params
from acyclome.core.workers import run_blocks
from acyclome.models.gran_dag import networks
from acyclome.models.gran_dag.networks import Layers
from acyclome.models.gran_dag.pruning import prune
from acyclome.models.network_blocks import Block, cut_into_blocks, one_torch_thread, padded, standardized
from acyclome.models.own_rows import loss_weights, rows_of_targets

if TYPE_CHECKING:
    import torch
    from torch import Tensor

STREAM = 0x67D  # of the random numbers of the start, apart from those of other parts with the same seed
SMALL = 0.1  # standard deviation of the first layer at the start, as in NOTEARS-MLP: no edge weighs before it fits
RATE = 0.02  # first step of Adam in units of a weight; .005 and .01 ended higher after as many steps
MEMORY = (0.9, 0.99)  # of means of slopes and of their squares; the second is shorter than usual, as runs are
EPSILON = 1e-8
HELD = 4  # arrays of the size of all units that a step holds at once: two layers and their slopes
OF_GENES = ("bias", "inner", "out", "shift")


class Statistics(NamedTuple):
    """What blocks fit."""

    Z: Tensor  # data with a last row of zeros, (d + 1, n), on the device of the computation
    blocks: list[Block]  # all genes that have candidates
    gene_weight: np.ndarray  # (d,) weight of every gene's loss, its share of observations in which it was no target
    candidates: Candidates
    lambda1: np.ndarray  # (nnz,) weight of every connectivity; a soft edge has its share
    data: Moments | None = None  # by which edges are pruned


@dataclass(frozen=True)
class GranDag:
    """``x_j ~ N(m_j(x_S), s_j)`` or ``N(m_j(x_S), s_j(x_S))`` with ``m_j``, ``s_j`` outputs of a network a gene.

    ``F = sum_j s_j (-1/n log p(x_j | x_S) + lambda1 sum_e A_e)`` with the connectivity ``A_e``, the sum over all paths
    from edge ``e`` to an output of the product of the sizes of its weights (Lachapelle et al. 2020).  The paper has no
    penalty: its own is that of ``h``.  A gene that was a target is fitted without those observations, and weighs less.
    """

    hidden: int  # units of a layer
    layers: int  # hidden ones
    outputs: int  # 1: the mean; 2: the log of the variance too
    lambda1: float  # weight of the connectivity
    steps: int  # of Adam per call of solve
    prunes: bool = False  # whether edges are pruned, where the relaxation decides

    @property
    def abilities(self) -> frozenset[Ability]:
        return frozenset(("solve", "scored", "prune")) if self.prunes else frozenset(("solve", "scored"))

    def statistics(self, problem: Problem, candidates: Candidates) -> Statistics:
        """Cut the genes into blocks; all is computed on the device, in float32."""
        data = problem.data
        Z, rows = data.Z.astype(np.float32, copy=False), rows_of_targets(data)
        found = self.on_data(Z, candidates, problem.backend.device, rows=rows)
        price = self.lambda1 * problem.constraints.on(candidates)["cost"]
        return found._replace(gene_weight=loss_weights(data), lambda1=price, data=data)

    def on_data(
        self,
        Z: np.ndarray,
        candidates: Candidates,
        device: torch.device | str = "cpu",
        *,
        rows: Mapping[int, np.ndarray] = MappingProxyType({}),
    ) -> Statistics:
        """Cut genes ``Z (d, n)`` of any dtype into blocks; some are fitted to their own ``rows``."""
        blocks = cut_into_blocks(candidates, n_obs=Z.shape[1], hidden=HELD * self.hidden, rows=rows)
        return Statistics(
            padded(Z, device), blocks, np.ones(len(Z)), candidates, np.full(candidates.n_edges, self.lambda1)
        )

    def start(self, candidates: Candidates, seed: int) -> dict[str, np.ndarray]:
        """Draw the networks: ``W (nnz, hidden)``, ``bias (d, layers, hidden)`` and so on, as in ``networks.Layers``.

        ``gene (nnz,)`` is no unknown: it says whose network an edge enters.  Weights of units of the first layer are
        small, those after it as wide as keeps variances (Glorot and Bengio 2010).
        """
        rng, d, h = np.random.default_rng([STREAM, seed]), candidates.n_genes, self.hidden
        bias = np.zeros((d, self.layers, h))
        bias[:, 0] = np.linspace(-1.0, 1.0, h)  # units that all bend at one place could not follow a curve

        def drawn(*shape: int) -> np.ndarray:
            return rng.standard_normal(shape) * np.sqrt(2.0 / (shape[-1] + shape[-2]))

        return {
            "W": SMALL * rng.standard_normal((candidates.n_edges, h)),
            "bias": bias,
            "inner": drawn(d, self.layers - 1, h, h),
            "out": drawn(d, self.outputs, h),
            "shift": np.zeros((d, self.outputs)),
            "gene": candidates.target.astype(float),
        }

    def strength(self, params: Params) -> np.ndarray:
        """Return the connectivity of every edge per unit of a layer."""
        import torch

        reach = networks.paths({name: torch.as_tensor(params[name]) for name in ("out", "inner")}).numpy()
        found: np.ndarray = (np.abs(params["W"]) * reach[params["gene"].astype(np.int64)]).sum(axis=1)
        return found

    def weight(self, params: Params) -> np.ndarray:
        """Return the connectivity: no slope of the mean is steeper."""
        return self.hidden * self.strength(params)

    def objective(self, statistics: Statistics, params: Params, *, threads: int) -> float:
        return float(self.losses(statistics, params, threads=threads).sum())

    def losses(self, statistics: Statistics, params: Params, *, threads: int) -> np.ndarray:
        """Every gene's share of the objective, ``(d,)``."""
        import torch

        out = np.zeros(len(statistics.gene_weight))

        def fit(block: Block, layers: dict[str, Tensor], amount: Tensor) -> None:
            with torch.no_grad():
                value = self.penalized(layers, *_values(statistics, block), amount=amount)
            out[block.gene] = statistics.gene_weight[block.gene] * value.double().cpu().numpy()

        self._each(fit, statistics, params, ridge=np.zeros(len(params["W"])), threads=threads)
        return out

    def solve(self, statistics: Statistics, params: Params, ridge: np.ndarray, *, threads: int) -> Params:
        """Lower ``F + sum_e ridge_e A_e``, gene by gene."""
        out = {name: leaf.copy() for name, leaf in params.items()}

        def improve(block: Block, layers: dict[str, Tensor], amount: Tensor) -> None:
            found = self.descend(layers, *_values(statistics, block), amount=amount)
            new = {name: leaf.double().cpu().numpy() for name, leaf in found.items()}
            real = block.edge < len(params["W"])
            out["W"][block.edge[real]] = new["W"].transpose(0, 2, 1)[real]
            for name in OF_GENES:
                out[name][block.gene] = new[name]

        self._each(improve, statistics, params, ridge=ridge, threads=threads)
        return out

    def prune(self, statistics: Statistics, keep: np.ndarray, *, threads: int) -> np.ndarray:
        """Keep those of the edges ``keep (nnz,)`` that an additive model needs."""
        assert statistics.data is not None, "statistics of a problem have its data"
        candidates, kept = statistics.candidates, keep.copy()
        edges = Candidates(row_pointers(candidates.target[keep], candidates.n_genes), candidates.parent[keep])
        kept[keep] = prune(statistics.data, edges, threads=threads)
        return kept

    def penalized(self, layers: Layers, X: Tensor, y: Tensor, *, amount: Tensor) -> Tensor:
        """Return loss and penalty of every gene, ``(g,)``; ``amount (g, 1, k)`` weighs its connectivities."""
        strength = layers["W"].abs() * networks.paths(layers)[:, :, None]
        return networks.losses(layers, X, y) + (amount * strength).sum(dim=(1, 2))

    def descend(self, layers: dict[str, Tensor], X: Tensor, y: Tensor, *, amount: Tensor) -> dict[str, Tensor]:
        """Take steps of Adam (Kingma and Ba 2015); return the best that every gene has met, its start among them.

        The penalty of the first layer is a lasso given the others: its proximal map in Adam's metric (Yun et al. 2021).
        """
        import torch

        mean, square = ({name: torch.zeros_like(leaf) for name, leaf in layers.items()} for _ in range(2))
        best, least = layers, torch.full_like(y[:, 0], torch.inf)
        space = networks.workspace(layers, X.shape[2])
        for step in range(1, self.steps + 2):
            total, slopes = self._slopes(layers, X, y, amount=amount, space=space)
            better = total < least
            least = torch.where(better, total, least)
            best = {name: torch.where(_lifted(better, leaf), layers[name], leaf) for name, leaf in best.items()}
            mean = {name: torch.lerp(slopes[name], leaf, MEMORY[0]) for name, leaf in mean.items()}
            square = {name: torch.lerp(slopes[name].square(), leaf, MEMORY[1]) for name, leaf in square.items()}
            size = {name: RATE / ((leaf / (1 - MEMORY[1] ** step)).sqrt() + EPSILON) for name, leaf in square.items()}
            goal = {name: leaf - size[name] * mean[name] / (1 - MEMORY[0] ** step) for name, leaf in layers.items()}
            least_weight = size["W"] * amount * networks.paths(layers)[:, :, None]
            layers = goal | {"W": soften(goal["W"], least_weight)}
        return best

    def _slopes(
        self, layers: Layers, X: Tensor, y: Tensor, *, amount: Tensor, space: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the penalized loss ``(g,)`` and its slopes; in the first layer those of the loss alone."""
        import torch

        loss, slopes = networks.losses_and_slopes(layers, X, y, space=space)
        weighed = (amount * layers["W"].abs()).sum(dim=2)  # of every unit, by what leads on from it
        with torch.enable_grad():
            tracked = {name: layers[name].detach().requires_grad_() for name in ("out", "inner")}
            penalty = (weighed * networks.paths(tracked)).sum(dim=1)
            # Of one layer there are no inner weights, whose slopes are then empty.
            further = torch.autograd.grad(penalty.sum(), list(tracked.values()), materialize_grads=True)
        further = dict(zip(tracked, further, strict=True))
        return loss + penalty.detach(), slopes | {name: slopes[name] + own for name, own in further.items()}

    def _each(
        self,
        work: Callable[[Block, dict[str, Tensor], Tensor], None],
        statistics: Statistics,
        params: Params,
        *,
        ridge: np.ndarray,
        threads: int,
    ) -> None:
        """Call ``work(block, layers, amount)`` for every block, with what weighs its connectivities, ``(g, 1, k)``."""

        def one(*block: np.ndarray) -> None:
            own = Block(*block)
            work(own, *_take(statistics, own, params, ridge=ridge))

        with one_torch_thread():
            run_blocks(one, statistics.blocks, threads)


def _lifted(values: Tensor, like: Tensor) -> Tensor:
    return values.reshape(-1, *[1] * (like.ndim - 1))


def _values(statistics: Statistics, block: Block) -> tuple[Tensor, Tensor]:
    """Candidates' values ``(g, k, n)`` and the genes' own ``(g, n)``."""
    import torch

    X, y = (statistics.Z[torch.as_tensor(part)] for part in (block.parent, block.gene))
    if block.rows is None:
        return X, y
    rows = torch.as_tensor(block.rows)
    return standardized(X[..., rows]), standardized(y[..., rows])


def _take(
    statistics: Statistics, block: Block, params: Params, *, ridge: np.ndarray
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the networks of a block, with no weights where it is filled up, and the weights of connectivities."""
    import torch

    like: dict[str, Any] = {"dtype": statistics.Z.dtype, "device": statistics.Z.device}
    n, weight = len(params["W"]), statistics.gene_weight[block.gene][:, None]
    there, at = block.edge < n, np.minimum(block.edge, max(n - 1, 0))
    W = np.where(there[:, :, None], params["W"][at], 0.0).transpose(0, 2, 1)
    amount = np.where(there, statistics.lambda1[at] + ridge[at] / weight, 0.0)
    layers = {"W": W} | {name: params[name][block.gene] for name in OF_GENES}
    return {name: torch.as_tensor(leaf, **like) for name, leaf in layers.items()}, torch.as_tensor(
        amount[:, None], **like
    )
