"""Every form of the acyclicity function by its name, from data to network."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

import acyclome as ac
from acyclome.config import Config, Fit
from acyclome.core import engine
from acyclome.errors import ConfigError
from acyclome.evaluate.simulate import simulate
from acyclome.pipeline.engine_settings import ACYCLICITY, SCHEDULES, engine_settings

NAMES = get_args(Fit.model_fields["acyclicity"].annotation)


@pytest.fixture(scope="module")
def X():
    """2,000 observations of 30 genes of equal noise: variances rise along the order, so direction can be found."""
    rng = np.random.default_rng(4)
    W = np.triu(rng.random((30, 30)) < 0.08, 1) * rng.uniform(0.4, 0.9, (30, 30))
    columns = rng.permutation(30)
    X = (rng.standard_normal((2000, 30)) @ np.linalg.inv(np.eye(30) - W))[:, columns]
    X.flags.writeable = False
    return X


def test_every_name_has_a_form():
    assert set(NAMES) == set(ACYCLICITY)


@pytest.mark.parametrize("name", NAMES)
def test_every_form_carries_a_network(X, name):
    config = {"fit": {"acyclicity": name, "max_steps": 30}, "search": {"perturbations": 0}}
    network = ac.learn(X, resamples=0, threads=1, config=config)
    path = network.facts["fit"]["convergence"]
    assert network.is_dag
    assert len(network.edges) > 10
    assert 0 <= path[-1]["h"] < path[0]["h"]


def test_too_many_genes_for_a_whole_form_are_refused():
    X = np.random.default_rng(1).standard_normal((10, 2001)).astype(np.float32)
    config = {"fit": {"acyclicity": "expm"}, "screen": {"forward_steps": 1, "partial": 0}}
    with pytest.raises(ConfigError, match="'series'"):
        ac.learn(X, resamples=0, threads=1, config=config)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_ends_with_little_h_left(lab, schedule):
    settings = engine_settings(Config.from_mapping({"fit": {"schedule": schedule}}))
    X = simulate(40, 400, seed=21, standardised=False).X
    problem = lab.problem_of(X)
    _, found = engine.relax(problem, engine.screen(problem, settings), settings, seed=3)
    assert found.path[-1].h < {"path": 1e-3, "lagrangian": 1e-7}[schedule]
