"""The package's own road on a device, as kernels: screening, and the relaxation of one network or of many."""

from __future__ import annotations

import os

import numpy as np
import torch

from acyclome.core.acyclicity import LogDet, Series
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import Candidates, gene_blocks
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import Moments, correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import Standardized
from acyclome.core.relaxation.problem import OnTensors
from acyclome.core.relaxation.schedule import CentralPath
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.core.screening.batched import correlations_of, forward_select_batched, strongest_partial_batched
from acyclome.core.screening.screen import ScreenSettings, screen
from acyclome.evaluate.simulate import simulate
from acyclome.models.dag_gnn.networks import Genes
from acyclome.models.dag_gnn.relaxation import DagGnn, Statistics
from acyclome.models.dag_gnn.sparse import Edges
from acyclome.models.gran_dag.relaxation import OF_GENES, GranDag
from acyclome.models.linear.batched import BatchedLeastSquares
from acyclome.models.linear.relaxation import Linear
from acyclome.models.linear.tensor_blocks import Blocks, Ragged, side_by_side
from benchmarks.kernels import LOOSE, SEED, TERMS, Kernel, Sizes, Tensors

# The defaults of a run, with the path from mu = 1 that they had when these kernels were first measured.
SCREEN = ScreenSettings(forward_steps=10, min_gain=4.0, partial=10, shrinkage=0.05, max_candidates=48)
SCHEDULE = CentralPath(mu=(1.0, 0.1, 0.01, 0.001, 0.0003), max_steps=60, rtol=1e-3, max_halvings=8)
MODEL = BatchedLeastSquares(lambda1=0.05, tol=1e-6)
NETWORKS = GranDag(hidden=10, layers=2, outputs=1, lambda1=0.05, steps=20)
BOUND = DagGnn(hidden=8, dims=1, shared=False, lambda1=0.05, terms=TERMS)
SLOPES = {torch.float32: 1e-3, torch.float64: 1e-9}  # of thousands of observations, through exponentials
# Two genes that gain nearly the same may change places in rounding, and with them all that are picked after.
SETS = {torch.float32: 0.02, torch.float64: 1e-9}


def expression(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Gene-major simulated expression ``(genes, n)`` with causes to be found, standardized."""
    return (np.ascontiguousarray(_simulated(sizes.genes, sizes.n, 1)),)


def _simulated(d: int, n: int, seed: int) -> np.ndarray:
    return simulate(d, n, standardised=True, seed=SEED + seed).X.T


def _bare(Z: torch.Tensor) -> Problem:
    """Make a problem whose data tell sizes and nothing else: what the tensors hold is not needed twice."""
    d, n = Z.shape
    nothing = np.broadcast_to(np.float32(0.0), (d, n))
    done = Interventions.none(n_obs=n, n_genes=d)
    zeros, ones, rows = np.zeros(d), np.ones(d), Standardized.of(nothing)
    data = Moments(rows, None, zeros, ones, zeros, float(n), done, ones, lambda a, b: nothing[a:b])
    return Problem(data, Constraints.none(d), ThreadBackend())


def forward(Z: torch.Tensor) -> Tensors:
    """Correlations, and forward selection for every gene."""
    return (torch.from_numpy(forward_select_batched(_bare(Z), correlations_of(Z), SCREEN)),)


def partial(Z: torch.Tensor) -> Tensors:
    """Strongest shrunken partial correlations of every gene."""
    return (torch.from_numpy(strongest_partial_batched(_bare(Z), Z, SCREEN)),)


def _forward_traffic(Z: torch.Tensor) -> float:
    """Every step reads the rows of all steps before, and reads and writes what is left of each pair."""
    steps = SCREEN.forward_steps
    return float(Z.element_size() * len(Z) ** 2 * (steps * (steps - 1) / 2 + 7 * steps))


def unlike(expected: Tensors, found: Tensors) -> float:
    """Share of the picks of one answer or the other that the two do not have in common."""
    one, two = (
        {(gene, pick) for gene, row in enumerate(part[0].tolist()) for pick in row if pick >= 0}
        for part in (expected, found)
    )
    return len(one ^ two) / max(len(one | two), 1)


def candidates(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Blocks of the candidates of one network, as :class:`Blocks` takes them."""
    X, threads = _simulated(sizes.genes, sizes.n, 2), os.cpu_count() or 1
    data = correlate(scale_genes(lambda a, b: X[a:b], sizes.genes, threads=threads), threads)
    problem = Problem(data, Constraints.none(sizes.genes), ThreadBackend(threads))
    linear = Linear(MODEL.lambda1, 1, MODEL.tol)
    statistics = linear.statistics(problem, screen(problem, SCREEN))
    _, blocks = linear.side_by_side([statistics], torch.zeros(0, dtype=torch.float64))
    return tuple(part.numpy() for part in blocks)


def relax_candidates(*tensors: torch.Tensor) -> Tensors:
    """Relax one network on its candidates, under the series."""
    return _weights(OnTensors(MODEL, Series(TERMS, "logdet", 0.0), Blocks(*tensors)))


def networks(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Blocks of small networks side by side, all pairs candidates."""
    d = sizes.member_d
    source, target = np.nonzero(~np.eye(d, dtype=bool))
    pairs, ragged = Candidates.from_pairs(source, target, d), []
    for member in range(sizes.members):
        R = np.corrcoef(_simulated(d, sizes.n, member))
        gram = [R[np.ix_(parents, parents)].ravel() for parents in np.split(pairs.parent, pairs.indptr[1:-1])]
        ragged.append(Ragged(pairs, R[pairs.parent, pairs.target][:, None], np.concatenate(gram), np.ones(d)))
    return tuple(part.numpy() for part in side_by_side(ragged, torch.zeros(0, dtype=torch.float64)))


def relax_networks(*tensors: torch.Tensor) -> Tensors:
    """Relax small networks side by side under the log-determinant."""
    return _weights(OnTensors(MODEL, LogDet(), Blocks(*tensors)))


def gene_networks(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Return data, candidates of every gene at random, and the networks of GraN-DAG at their start."""
    rng, d, k = np.random.default_rng(SEED), sizes.genes, min(SCREEN.max_candidates, sizes.genes - 1)
    Z = scale_genes(lambda a, b: _simulated(d, sizes.n, 4)[a:b], d, threads=os.cpu_count() or 1).Z
    parent = np.sort((np.arange(d)[:, None] + rng.integers(1, d, (d, k))) % d, axis=1)
    start = NETWORKS.start(Candidates(np.arange(d + 1) * k, parent.ravel().astype(np.int32)), SEED)
    W = start["W"].reshape(d, k, -1).transpose(0, 2, 1)
    return (np.asarray(Z, np.float64), parent.astype(np.int64), W, *(start[name] for name in OF_GENES))


def improve_networks(Z: torch.Tensor, parent: torch.Tensor, *layers: torch.Tensor) -> Tensors:
    """Penalized losses of all genes after one call of ``solve``; its weights are not compared, which are many."""
    X, own = Z[parent], dict(zip(("W", *OF_GENES), layers, strict=True))
    amount = torch.full_like(own["W"][:, :1], NETWORKS.lambda1)
    return (NETWORKS.penalized(NETWORKS.descend(own, X, Z, amount=amount), X, Z, amount=amount),)


def _weights(problem: OnTensors) -> Tensors:
    solutions = solve(problem, problem.statistics.start(), schedule=SCHEDULE, stepper=BlockSolve())
    return (torch.stack([solution.params["W"] for solution in solutions]),)


def autoencoder(sizes: Sizes) -> tuple[np.ndarray, ...]:
    """Genes, their hidden units, draws of noise, and the ends of edges with their weights, some of them zero."""
    X = _simulated(sizes.genes, sizes.n, 3)
    data = scale_genes(lambda a, b: X[a:b], sizes.genes, threads=os.cpu_count() or 1)
    rng, k = np.random.default_rng(SEED), SCREEN.forward_steps
    source = rng.integers(sizes.genes, size=sizes.genes * k)
    pairs = Candidates.from_pairs(source, np.repeat(np.arange(sizes.genes), k), sizes.genes)
    problem = Problem(data, Constraints.none(sizes.genes), ThreadBackend(os.cpu_count() or 1))
    genes, edges, noise, _ = BOUND.statistics(problem, pairs)
    W = 0.1 * rng.standard_normal(pairs.n_edges) * (rng.random(pairs.n_edges) < 2.0 / k)
    floats = (genes.X, genes.terms, genes.weight, noise)
    return (*(part.double().numpy() for part in floats), W, *(part.numpy() for part in edges[:3]))


def slope_of_bound(*tensors: torch.Tensor) -> Tensors:
    """Slope of DAG-GNN's evidence lower bound in edges and readouts, the blocks one after the other."""
    X, terms, weight, noise, W, parent, target, children = tensors
    edges = Edges(parent, target, children, target.cpu().numpy(), len(X))
    blocks = gene_blocks(len(X), max((1 << 22) // terms[0].numel(), 1))
    own = Statistics(Genes(X, terms, None, weight), edges, noise, blocks)
    nothing = Candidates(np.zeros(len(X) + 1, np.int64), np.empty(0, np.int32))
    params = BOUND.start(nothing, 1) | {"W": W.double().cpu().numpy()}
    slopes = BOUND.gradient(own, params, np.zeros(len(W)), threads=1)
    return tuple(torch.from_numpy(slopes[name]) for name in ("W", "encoder", "mean"))


ENGINE = (
    Kernel("forward selection", expression, forward, tolerance=SETS, traffic=_forward_traffic, compare=unlike),
    Kernel("strongest partial correlations", expression, partial, tolerance=SETS, compare=unlike),
    Kernel("relaxation, one network", candidates, relax_candidates, tolerance=LOOSE),
    Kernel("networks of GraN-DAG", gene_networks, improve_networks, tolerance=LOOSE),
    Kernel("relaxation, side by side", networks, relax_networks, tolerance=LOOSE),
    Kernel("DAG-GNN, slope of the bound", autoencoder, slope_of_bound, tolerance=SLOPES),
)
