"""A model of another package that its relaxation decides, with unknowns that lie on no edge and no local score."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

import acyclome as ac
from acyclome import models
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import ConfigError
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.options.sections import Section

D, N = 6, 400
EDGES = {("g0", "g1"), ("g1", "g2"), ("g0", "g3"), ("g3", "g4")}


class Springs(Section):
    """The model springs: how they pull."""

    units: float = Field(default=0.05, ge=0, le=10)
    """Pull to zero. An option of model mlp is called so too."""


@dataclass(frozen=True)
class SpringModel:
    """``x_j = sum_i w_ij x_i + e_j`` by maximum likelihood, with the log of the noise's size among the unknowns."""

    pull: float

    @property
    def abilities(self):
        return frozenset(("gradient", "shrink", "sign"))

    def statistics(self, problem, candidates):
        return problem.data.Z.astype(float), candidates.parent, candidates.target

    def start(self, candidates, seed):
        return {"w": np.zeros(candidates.n_edges), "size": np.zeros(candidates.n_genes)}

    def strength(self, params):
        return np.square(params["w"])

    def weight(self, params):
        return params["w"]

    def objective(self, statistics, params, threads):
        left, size = self._left(statistics, params), params["size"]
        return float(np.sum(size + 0.5 * np.exp(-2 * size) * np.mean(left**2, axis=1)) + self._penalty(params["w"]))

    def gradient(self, statistics, params, ridge, threads):
        Z, parent, target = statistics
        left, precision = self._left(statistics, params), np.exp(-2 * params["size"])
        slope = -precision[target] * np.mean(left[target] * Z[parent], axis=1) + 2 * ridge * params["w"]
        return {"w": slope, "size": 1 - precision * np.mean(left**2, axis=1)}

    def shrink(self, statistics, params, amount):
        w = params["w"]
        return {**params, "w": np.sign(w) * np.maximum(np.abs(w) - self.pull * amount["w"], 0.0)}

    def _penalty(self, w):
        return self.pull * np.abs(w).sum()

    def _left(self, statistics, params):
        Z, parent, target = statistics
        left = Z.copy()
        np.add.at(left, target, -params["w"][:, None] * Z[parent])
        return left


@dataclass(frozen=True)
class NormalNoise:
    """Lines by least squares, which say how probable observations are that were kept back."""

    Z: np.ndarray

    def held_out(self, j, parents, train, test):
        X = np.vstack([np.ones(self.Z.shape[1]), self.Z[parents]]).astype(float)
        left = self.Z[j] - np.linalg.lstsq(X[:, train].T, self.Z[j, train], rcond=None)[0] @ X
        size = left[train].std()
        return -0.5 * (left[test] / size) ** 2 - np.log(size) - 0.5 * np.log(2 * np.pi)


SPRINGS = Model(
    name="springs",
    summary="genes that pull one another",
    search="relaxation",
    abilities=frozenset(Ability) - {Ability.NON_GAUSSIAN, Ability.EQUAL_NOISE, Ability.INTERVENTIONS},
    section=("springs", Springs),
    words=lambda config: Words(
        model="a model of springs",
        score="the energy of the springs",
        directions="springs pull both ways",
        relaxation=f"problem of springs that pull by {config.of(Springs).units:g}",
    ),
    cost=lambda config, n_genes, n_obs: Cost(relaxed=64.0 * n_genes * n_obs, relax=1e3 * n_genes**2 * n_obs),
    relaxation=lambda config: SpringModel(config.of(Springs).units),
    held_out=lambda config, problem, seed: NormalNoise(problem.data.Z),
)
FIT = {"acyclicity": "logdet", "w_threshold": 0.2, "max_steps": 30}
QUICK = {
    "model": "springs",
    "prepare": {"min_cells": 1},
    "validation": {"checks": False},
    "resample": {"resamples": 1},
    "fit": FIT,
}


@pytest.fixture
def springs(monkeypatch):
    monkeypatch.setattr(models, "_registered", {})
    models.register(SPRINGS)
    return SPRINGS


@pytest.fixture
def table(tmp_path):
    x = np.random.default_rng([96, 1]).standard_normal((N, D))
    for source, target in sorted(EDGES):
        x[:, int(target[1])] += 1.2 * x[:, int(source[1])]
    frame = pd.DataFrame(x, columns=[f"g{k}" for k in range(D)])
    frame.to_csv(tmp_path / "x.csv", index_label="cell")
    return frame


def pairs_of(network):
    return {frozenset(edge) for edge in zip(network.edges["source"], network.edges["target"], strict=True)}


TRUE_PAIRS = {frozenset(edge) for edge in EDGES}


def test_it_runs_from_file_to_report_and_gives_the_same_in_memory(springs, table, tmp_path):
    (tmp_path / "options.yaml").write_text(json.dumps(QUICK), encoding="utf-8")
    words = ["run", tmp_path / "x.csv", "-o", tmp_path / "out", "--config", tmp_path / "options.yaml"]
    assert main([*map(str, words), "--threads", "1", "--quiet"]) == 0
    network = ac.read(tmp_path / "out")
    assert network.is_dag
    assert pairs_of(network) >= TRUE_PAIRS
    assert len(network.edges) <= len(EDGES) + 1  # one by chance or for an edge turned round
    assert network.edges["stability"].notna().all()
    assert (network.edges["weight"] > 0.2).all()
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "a model of springs" in report
    assert "the problem of springs that pull by 0.05 was solved" in report
    assert "its solution gave the network" in report
    assert "Its criterion was the energy of the springs" in report
    assert "Edges that still closed cycles were left out." in report
    fit = network.facts["fit"]
    assert (fit["relax"], len(fit["convergence"])) == (True, len(Config().fit.mu))
    here = ac.learn(table, threads=2, config=QUICK)
    pd.testing.assert_frame_equal(network.edges, here.edges)


def test_its_options_change_its_network(springs, table):
    assert len(ac.learn(table, threads=1, config=QUICK | {"springs": {"units": 2.0}}).edges) == 0


def test_what_is_known_of_edges_holds(springs, table):
    rules = pd.DataFrame(
        {"source": ["g4", "g1", "g5"], "target": ["g3", "g2", "g0"], "kind": ["forbidden", "forbidden", "required"]}
    )
    network = ac.learn(table, threads=1, config=QUICK, knowledge=rules)
    edges = set(zip(network.edges["source"], network.edges["target"], strict=True))
    assert ("g5", "g0") in edges
    assert not {("g4", "g3"), ("g1", "g2")} & edges
    assert network.is_dag


def test_the_data_compare_it_with_others(springs, table):
    others = {
        "model": "auto",
        "resample": {"resamples": 0},
        "mlp": {"splines": 5, "units": 20},
        "fit": FIT | {"mu": [0.1, 0.01], "max_steps": 10},
    }
    found = ac.learn(table, threads=1, config=QUICK | others).facts["model"]
    rows = {row["model"]: row for row in found["compared"]}
    assert rows["springs"]["edges"] >= len(EDGES)
    assert rows["springs"]["behind"] < 0.1
    assert found["name"] == "linear"


def test_a_plan_counts_its_relaxation_and_help_has_its_section(springs, table, tmp_path, capsys):
    assert main(["plan", str(tmp_path / "x.csv"), "--model", "springs", "--resamples", "0", "--json"]) == 0
    cheap = json.loads(capsys.readouterr().out)
    models.register(replace(SPRINGS, cost=lambda config, n_genes, n_obs: Cost(relaxed=2.0**33, relax=1e13)))
    assert main(["plan", str(tmp_path / "x.csv"), "--model", "springs", "--resamples", "0", "--json"]) == 0
    dear = json.loads(capsys.readouterr().out)
    assert dear["memory_gb"] > cheap["memory_gb"] + 7
    assert dear["total_seconds"] > cheap["total_seconds"] + 100
    assert main(["run", "--help-all"]) == 0
    text = capsys.readouterr().out
    assert "--springs.units" in text
    assert "--mlp.units" in text
    config = Config(model="springs", springs={"units": 1.0}, mlp={"units": 7})
    assert (config.of(Springs).units, config.mlp.units) == (1.0, 7)


def test_without_its_relaxation_nothing_is_left(springs, table):
    with pytest.raises(ConfigError, match=r"fit\.relax false leaves nothing of model springs"):
        ac.learn(table, threads=1, config=QUICK | {"fit": {"relax": False}})
    with pytest.raises(ValueError, match="nothing says how probable observations are"):
        replace(SPRINGS, held_out=None)
    with pytest.raises(ConfigError, match="springs does not go with interventions"):
        ac.learn(table, threads=1, config=QUICK, perturbation=[*["g1"] * 30, *[""] * (N - 30)])
