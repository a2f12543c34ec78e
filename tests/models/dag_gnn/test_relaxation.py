"""DAG-GNN on candidates: slopes, the inverse as a series, interventions, and a network where it decides."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

import acyclome as ac
from acyclome.config import Config
from acyclome.core.backend import DeviceBackend
from acyclome.core.data.interventions import Interventions
from acyclome.errors import ConfigError
from acyclome.models.dag_gnn import relaxation
from acyclome.models.dag_gnn.relaxation import DagGnn

D, N, TARGET, LAMBDA1 = 6, 120, 2, 0.05
networks = pytest.mark.parametrize(("shared", "dims"), [(False, 1), (False, 2), (True, 1), (True, 3)])
QUICK = {
    "model": "dag_gnn",
    "dag_gnn": {"decides": "relaxation", "hidden": 4},
    "fit": {"mu": [0.1, 0.01], "max_steps": 6, "w_threshold": 0.2},
    "resample": {"resamples": 0},
}


def acted_on(lab, done_by=3.0):
    """One gene is a target in the last third of the observations."""
    X = lab.draw_linear(5, D, N, degree=3)[0].copy()
    rows = np.arange(2 * N // 3, N)
    X[rows, TARGET] += done_by
    done = Interventions.from_pairs(np.full(len(rows), TARGET), rows, n_genes=D, n_obs=N)
    return lab.problem_of(X, interventions=done)


def precise(statistics):
    """Return the same in float64."""
    genes = [None if part is None else part.double() for part in statistics.genes]
    return statistics._replace(genes=statistics.genes._make(genes), noise=statistics.noise.double())


def moved(params, seed=0, size=0.2):
    rng = np.random.default_rng([154, seed])
    return {name: leaf + size * rng.standard_normal(leaf.shape) for name, leaf in params.items()}


@networks
def test_slopes_are_those_of_the_objective(lab, shared, dims):
    model, candidates = DagGnn(5, dims, shared, LAMBDA1, 4), lab.all_pairs(D)
    statistics = precise(model.statistics(acted_on(lab), candidates))
    params, rng = moved(model.start(candidates, 1)), np.random.default_rng(155)
    ridge, h = rng.random(candidates.n_edges), 1e-5
    slopes = model.gradient(statistics, params, ridge, threads=1)
    weight = statistics.genes.weight.numpy()[candidates.target]
    for name, leaf in params.items():
        away = rng.standard_normal(leaf.shape)

        def smooth(s, name=name, away=away):
            there = params | {name: params[name] + s * away}
            penalty = LAMBDA1 * weight @ np.abs(there["W"])
            return model.objective(statistics, there, threads=1) - penalty + ridge @ model.strength(there)

        assert (smooth(h) - smooth(-h)) / (2 * h) == pytest.approx(np.sum(slopes[name] * away), rel=1e-6)


@pytest.mark.parametrize("terms", [2, 3, D])
def test_the_series_is_the_inverse_less_what_came_along_longer_paths(lab, terms):
    model, candidates = DagGnn(4, 2, False, LAMBDA1, terms), lab.all_pairs(D)
    statistics = precise(model.statistics(lab.problem_of(lab.draw_linear(5, D, N)[0]), candidates))
    params = moved(model.start(candidates, 1))
    params["W"] = np.where(candidates.parent < candidates.target, params["W"], 0.0)  # paths of up to D - 1 edges
    own = {name: torch.as_tensor(leaf) for name, leaf in params.items()}
    A = np.zeros((D, D))
    A[candidates.parent, candidates.target] = params["W"]
    own_noise = np.exp(params["posterior"])[:, :, None] * statistics.noise.numpy()[:, None]
    whole = np.einsum("ij,jkq->ikq", np.linalg.inv(np.eye(D) - A.T), own_noise)
    missed = np.einsum("ij,jkq->ikq", np.linalg.matrix_power(A.T, terms), whole)
    found = model._latent(statistics, own, 1).noise.numpy()
    np.testing.assert_allclose(found, whole - missed, atol=1e-12)
    assert (np.abs(missed).max() > 1e-3) == (terms < D)


def test_what_was_done_to_a_gene_says_nothing_of_its_equation(lab):
    model, candidates = DagGnn(4, 1, False, LAMBDA1, 4), lab.all_pairs(D)
    params = model.start(candidates, 1)
    params["W"] = 0.3 * np.random.default_rng(156).standard_normal(candidates.n_edges)
    params["W"][candidates.parent == TARGET] = 0.0  # as a parent its values count
    found, other = (
        model.losses(model.statistics(acted_on(lab, by), candidates), params, threads=1) for by in (3.0, -7.0)
    )
    np.testing.assert_allclose(found, other, rtol=1e-4)
    params["W"][candidates.parent == TARGET] = 0.3
    found, other = (
        model.losses(model.statistics(acted_on(lab, by), candidates), params, threads=1) for by in (3.0, -7.0)
    )
    assert np.abs(found - other)[candidates.target[candidates.parent == TARGET]].max() > 0.01


@networks
def test_blocks_threads_and_devices_change_nothing(lab, monkeypatch, shared, dims):
    model, candidates, problem = DagGnn(4, dims, shared, LAMBDA1, 4), lab.all_pairs(D), acted_on(lab)
    params, ridge = moved(model.start(candidates, 1)), np.ones(candidates.n_edges)
    whole = model.statistics(problem, candidates)
    device = replace(problem, backend=DeviceBackend(torch.device("cpu"), torch.float32))
    monkeypatch.setattr(relaxation, "VALUES", 4 * 2 * N)
    cut = model.statistics(device, candidates)
    assert (len(whole.blocks), len(cut.blocks)) == (1, D // 2)
    ends = [(model.losses(cut, params, threads=t), model.gradient(cut, params, ridge, threads=t)) for t in (1, 2)]
    np.testing.assert_allclose(ends[0][0], model.losses(whole, params, threads=1), rtol=1e-5)
    assert ends[0][0].tolist() == ends[1][0].tolist()
    expected = model.gradient(whole, params, ridge, threads=1)
    for name, slope in ends[0][1].items():
        assert slope.tolist() == ends[1][1][name].tolist()
        np.testing.assert_allclose(slope, expected[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fit", [{}, {"acyclicity": "logdet"}, {"schedule": "lagrangian", "max_steps": 1}], ids=str)
def test_where_it_decides_any_form_and_schedule_give_a_dag_that_keeps_to_what_is_known(lab, fit):
    X = lab.draw_linear(6, D, N, degree=2)[0]
    labels = [f"gene_{k % D + 1}" if k < 30 else "" for k in range(N)]
    known = pd.DataFrame(
        [["gene_6", "gene_1", "required"], ["gene_2", "gene_3", "forbidden"], ["gene_3", "gene_2", "forbidden"]],
        columns=["source", "target", "kind"],
    )
    options = QUICK | {"fit": QUICK["fit"] | fit}
    network = ac.learn(X, perturbation=labels, knowledge=known, threads=1, device="cpu", config=options)
    edges = set(zip(network.edges["source"], network.edges["target"], strict=True))
    assert network.is_dag
    assert len(edges) > 2
    assert ("gene_6", "gene_1") in edges
    assert not {("gene_2", "gene_3"), ("gene_3", "gene_2")} & edges
    assert network.facts["fit"]["relax"]


def test_what_only_a_score_can_weigh_is_refused_where_the_relaxation_decides(lab):
    soft = pd.DataFrame([["gene_1", "gene_2", "soft", 0.5]], columns=["source", "target", "kind", "weight"])
    with pytest.raises(ConfigError, match="dag_gnn does not go with soft edges, since a threshold has no cost"):
        ac.learn(lab.draw_linear(6, D, N)[0], knowledge=soft, threads=1, config=QUICK)
    assert Config(model="dag_gnn").card.search == "order_search"
    assert Config.from_mapping(QUICK).card.search == "relaxation"
