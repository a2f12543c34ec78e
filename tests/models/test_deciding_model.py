"""A model without a score of its own, whose relaxation decides: one card, and it goes where all other models go."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome import models
from acyclome.cli import main
from acyclome.errors import ConfigError
from acyclome.models.card import Ability, Cost, Model, Words

_path = Path(__file__).parents[1] / "core" / "relaxation" / "toy.py"
_spec = importlib.util.spec_from_file_location("deciding_toy", _path)
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

D, N = 4, 250
CHAIN = [("g2", "g0"), ("g0", "g3"), ("g3", "g1")]
FIT = {"mu": [0.3, 0.03, 0.003], "max_steps": 15, "w_threshold": 0.3, "stepper": "adam", "acyclicity": "logdet"}
QUICK = {"prepare": {"min_cells": 1}, "validation": {"checks": False}, "resample": {"resamples": 1}}


class Bends:
    """Held-out density of a line and a bend of every parent."""

    def __init__(self, Z):
        self.Z = Z.astype(float)

    def held_out(self, j, parents, train, test):
        terms = np.vstack([np.ones(self.Z.shape[1]), self.Z[parents], np.tanh(2 * self.Z[parents] - 1)]).T
        left = self.Z[j] - terms @ np.linalg.lstsq(terms[train], self.Z[j][train], rcond=None)[0]
        scale = left[train].std()
        return -0.5 * (left[test] / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


NETWORKS = Model(
    name="networks",
    summary="a small network a gene, all layers of which are relaxed",
    search="relaxation",
    abilities=frozenset({Ability.RELAXATION, Ability.REAL_VALUES, Ability.REQUIRED}),
    words=lambda config: Words(
        model="small networks",
        score="the likelihood of small networks under a group lasso",
        directions="odds below 20 to 1",
        relaxation="problem of small networks",
    ),
    cost=lambda config, n_genes, n_obs: Cost(relax=1e9 * n_genes),
    relaxation=lambda config: toy.GeneNetworks(),
    held_out=lambda config, problem, seed: Bends(problem.data.Z),
)


@pytest.fixture(autouse=True)
def networks(monkeypatch):
    monkeypatch.setattr(models, "_registered", {})
    models.register(NETWORKS)


@pytest.fixture(scope="module")
def table():
    x = np.random.default_rng([97, 1]).standard_normal((N, D))
    for source, target in CHAIN:
        i, j = int(source[1]), int(target[1])
        x[:, j] = np.tanh(2.0 * x[:, i] - 1.0) * 1.2 + 0.3 * x[:, j]
        x[:, j] /= x[:, j].std()
    return pd.DataFrame(x, columns=[f"g{k}" for k in range(D)])


def options(**more):
    return QUICK | {"model": "networks", "fit": FIT} | more


@pytest.fixture(scope="module")
def network(table):
    models.register(NETWORKS)
    yield ac.learn(table, threads=2, config=options())
    models._registered.clear()


def test_it_goes_from_file_to_report_and_gives_the_same_in_memory(table, network, tmp_path):
    table.to_csv(tmp_path / "x.csv", index_label="cell")
    (tmp_path / "options.yaml").write_text(json.dumps(options()), encoding="utf-8")
    words = ["run", tmp_path / "x.csv", "-o", tmp_path / "out", "--config", tmp_path / "options.yaml"]
    assert main([*map(str, words), "--threads", "1", "--quiet"]) == 0
    there = ac.read(tmp_path / "out")
    pd.testing.assert_frame_equal(there.edges, network.edges)
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "small networks" in report
    assert "the likelihood of small networks under a group lasso" in report


def test_its_edges_are_those_of_the_relaxation_with_what_they_are_worth(network):
    edges = network.edges
    assert network.is_dag
    assert len(set(zip(edges["source"], edges["target"], strict=True)) & set(CHAIN)) >= 2
    assert (edges["weight"] >= FIT["w_threshold"]).all()
    assert edges["stability"].notna().all()
    assert network.nodes["r2"].max() > 0.3


def test_required_edges_are_kept_and_what_it_has_not_is_refused(table):
    required = pd.DataFrame([["g1", "g2", "required"]], columns=["source", "target", "kind"])
    config = options(resample={"resamples": 0}, fit=FIT | {"max_steps": 3})
    found = ac.learn(table, threads=1, config=config, knowledge=required).edges
    assert ("g1", "g2") in set(zip(found["source"], found["target"], strict=True))
    with pytest.raises(ConfigError, match="networks does not go with interventions"):
        ac.learn(table, threads=1, config=config, perturbation=[*["g1"] * 30, *[""] * (N - 30)])
    with pytest.raises(ConfigError, match=r"fit\.relax false leaves nothing of model networks"):
        ac.learn(table, threads=1, config=options(fit=FIT | {"relax": False}))


def test_a_stepper_that_it_cannot_take_is_refused_with_both_parts_and_what_is_missing(table):
    with pytest.raises(ConfigError, match=r"BlockSolve needs 'solve', which GeneNetworks has not.*adam and lbfgs"):
        ac.learn(table, threads=1, config=options(fit=FIT | {"stepper": "blocks"}))


def test_the_data_may_choose_it_and_a_plan_counts_it(table, tmp_path, capsys):
    config = options(
        model="auto",
        resample={"resamples": 0},
        fit=FIT | {"max_steps": 3},  # of each quarter that is kept back once
        mlp={"splines": 4, "units": 10},
        search={"perturbations": 0},
    )
    network = ac.learn(table, threads=2, config=config)
    assert "networks" in {row["model"] for row in network.facts["model"]["compared"]}
    table.to_csv(tmp_path / "x.csv", index_label="cell")
    assert main(["plan", str(tmp_path / "x.csv"), "--model", "networks", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total_seconds"] > 0
