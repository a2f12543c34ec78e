"""Feedback among targets: loops are found, and graphs without circles hardly ever have any."""

import numpy as np
import pytest

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Instruments, Treatments
from acyclome.core.effects.loops import CHANCE, _p_values, _threshold, find_loops

QUIET, EACH = 300, 40


def screen(W, seed, n_targets):
    """Every one of the first genes is held at -5 in 40 observations of ``x = x W + noise``, circles or not."""
    rng = np.random.default_rng([0x100, seed])
    d = len(W)
    kind = np.concatenate([np.full(QUIET, -1), np.repeat(np.arange(n_targets), EACH)])
    X = rng.normal(size=(len(kind), d))
    for gene in range(-1, n_targets):
        V, at = W.copy(), kind == gene
        if gene >= 0:
            V[:, gene], X[at, gene] = 0.0, -5.0
        X[at] = np.linalg.solve((np.eye(d) - V).T, X[at].T).T
    at = np.flatnonzero(kind >= 0)
    targets = Interventions.from_pairs(kind[at], at, n_genes=d, n_obs=len(kind))
    Z = np.ascontiguousarray(X.T)
    data = scale_genes(lambda a, b: Z[a:b], d, interventions=targets)
    problem = Problem(data, Constraints.none(d), ThreadBackend(1))
    return problem, Instruments.of(problem, Treatments(kind, np.arange(n_targets)))


def chain(d):
    W = np.zeros((d, d))
    W[np.arange(d - 1), np.arange(1, d)] = 0.7
    return W


def test_genes_of_a_loop_are_found_both_ways_and_set_by_set():
    W = chain(12)
    W[3, 2] = W[9, 7] = -0.6  # 2 <-> 3, and 7 -> 8 -> 9 -> 7
    found = find_loops(*screen(W, 0, 12))
    assert set(zip(found.number, found.source, found.target, strict=True)) == {
        *((0, 2, 3), (0, 3, 2)),
        *((1, i, j) for i in (7, 8, 9) for j in (7, 8, 9) if i != j),
    }
    assert (found.p <= found.threshold).all()
    direct = (found.source == 2) & (found.target == 3)
    assert abs(found.effect[direct][0]) > 5 * found.error[direct][0]


def test_a_gene_that_was_no_target_is_in_no_set():
    W = chain(6)
    W[5, 4] = 0.6
    assert len(find_loops(*screen(W, 0, 5)).source) == 0


def test_graphs_without_circles_have_hardly_any_loops():
    rng = np.random.default_rng(0x101)
    alarms = 0
    for seed in range(25):
        W = np.triu(rng.uniform(0.3, 0.8, (15, 15)) * rng.choice([-1, 1], (15, 15)) * (rng.random((15, 15)) < 0.2), 1)
        alarms += len(find_loops(*screen(W, seed, 15)).source) > 0
    assert alarms <= 1


@pytest.mark.parametrize("k", [2, 30, 400])
def test_as_many_pairs_pass_by_chance_as_is_said(k):
    z = np.random.default_rng(k).normal(size=(k, k))
    z[np.triu_indices(k, 1)] += 20.0  # each acts on all behind it
    t, pairs = _threshold(_p_values(z / 20.0 if k == 2 else z)), k * (k - 1) / 2
    assert pairs * t**2 <= CHANCE
    assert t <= CHANCE


def test_without_treatments_nothing_is_found():
    problem, _ = screen(chain(3), 0, 3)
    found = find_loops(problem, Instruments.of(problem, Treatments.none(problem.data.n_obs)))
    assert (len(found.source), found.targets) == (0, 0)
