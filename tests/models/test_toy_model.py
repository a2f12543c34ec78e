"""A model of another package: one card, one registration, and it goes wherever the models of this package go."""

from __future__ import annotations

import importlib.metadata
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
from acyclome.core.contract import ScoreCost
from acyclome.errors import ConfigError
from acyclome.models import hill_climb
from acyclome.models.card import Ability, Cost, Model, Words
from acyclome.options.sections import Section

D, N = 6, 300
EDGES = {("g0", "g1"), ("g0", "g2"), ("g1", "g3"), ("g2", "g4")}
PITCH = 6.0


class Waves(Section):
    """The model waves: how fast they go up and down."""

    pitch: float = Field(default=PITCH, ge=0.1, le=20)
    """Radians per standard deviation of the cause. Slow waves are lines."""


@dataclass(frozen=True)
class WaveModel:
    """``x_j = sum_i a_i cos(pitch x_i) + b_i sin(pitch x_i) + c_i x_i + e_j``, by least squares and BIC."""

    pitch: float

    def expand(self, problem):
        return None

    def prepare(self, problem, seed):
        return WaveScore(self.pitch, problem.data)

    def cost(self, n_obs):
        return ScoreCost(0.0, 100.0 * n_obs, 0.0)


@dataclass(frozen=True)
class WaveScore:
    pitch: float
    moments: object
    basis = None

    def _left(self, j, causes, train=slice(None)):
        x = self.moments.Z[causes].astype(float)
        terms = np.vstack([np.ones_like(self.moments.Z[:1]), x, np.cos(self.pitch * x), np.sin(self.pitch * x)])
        y = self.moments.Z[j].astype(float)
        return y - np.linalg.lstsq(terms[:, train].T, y[train], rcond=None)[0] @ terms

    def scores(self, j, sets, rows=None):
        n = self.moments.n_effective
        none = np.mean(self._left(j, sets[0, :0]) ** 2) or 1.0
        shares = np.array([np.mean(self._left(j, causes) ** 2) for causes in sets]) / none
        return 0.5 * n * np.log(np.maximum(shares, 1e-9)) + 1.5 * sets.shape[1] * np.log(n)

    def promise(self, j, causes, others):
        return -self.scores(j, np.array([[*causes, other] for other in others]))

    def residual(self, j, causes):
        return self._left(j, causes).astype(np.float32)

    def weights(self, j, causes):
        return np.array([np.mean(self.moments.Z[j] * self.moments.Z[cause]) for cause in causes])

    def held_out(self, j, causes, train, test):
        left = self._left(j, causes, train)
        scale = left[train].std()
        return -0.5 * (left[test] / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)


def structural_model(config):
    return WaveModel(config.of(Waves).pitch)


WAVES = Model(
    name="waves",
    summary="effects that go up and down",
    search="hill_climbing",
    abilities=frozenset({Ability.COVARIATES, Ability.REAL_VALUES}),
    refusals={Ability.EQUAL_NOISE: "every wave breaks at a height of its own"},
    section=("waves", Waves),
    words=lambda config: Words(
        model="a model of waves",
        score=f"the fit of waves of pitch {config.of(Waves).pitch:g} ([@canute1030])",
        directions="odds below 20 to 1; waves do not run backwards",
    ),
    cost=lambda config, n_genes, n_obs: hill_climb.cost(structural_model(config), config, n_genes, n_obs),
    structural_model=structural_model,
    references="@book{canute1030, author={Canute, Rex and Tide, Ebb}, title={No waves}, year={1030}, publisher={Sea}}",
)
QUICK = {"prepare": {"min_cells": 1}, "validation": {"checks": False}, "resample": {"resamples": 2}}


@pytest.fixture
def waves(monkeypatch):
    """The registered model, forgotten afterwards."""
    monkeypatch.setattr(models, "_registered", {})
    models.register(WAVES)
    yield WAVES
    monkeypatch.undo()
    assert "waves" not in Config().model_dump()


@pytest.fixture
def table(tmp_path):
    x = np.random.default_rng([95, 1]).standard_normal((N, D))
    for source, target in sorted(EDGES):
        i, j = int(source[1]), int(target[1])
        x[:, j] = 1.5 * np.cos(PITCH * x[:, i] / x[:, i].std()) + 0.3 * x[:, j]
    frame = pd.DataFrame(x, columns=[f"g{k}" for k in range(D)])
    frame.to_csv(tmp_path / "x.csv", index_label="cell")
    return frame


def edges_of(network):
    return set(zip(network.edges["source"], network.edges["target"], strict=True))


def run(tmp_path, options):
    (tmp_path / "options.yaml").write_text(json.dumps(QUICK | options), encoding="utf-8")
    words = ["run", tmp_path / "x.csv", "-o", tmp_path / "out", "--config", tmp_path / "options.yaml"]
    assert main([*map(str, words), "--threads", "1", "--quiet"]) == 0
    return ac.read(tmp_path / "out")


def test_it_runs_from_file_to_report_and_gives_the_same_in_memory(waves, table, tmp_path):
    network = run(tmp_path, {"model": "waves"})
    assert edges_of(network) == EDGES
    assert network.facts["model"] == {"name": "waves"}
    assert network.facts["config"]["waves"] == {"pitch": PITCH}
    assert network.edges["stability"].notna().all()
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "a model of waves" in report
    assert "raised the fit of waves of pitch 6 (Canute and Tide, 1030)" in report
    assert "waves do not run backwards" in report
    assert "<em>No waves</em>" in report
    here = ac.learn(table, threads=2, config=QUICK | {"model": "waves"})
    pd.testing.assert_frame_equal(network.edges, here.edges)


def test_its_options_change_its_network(waves, table):
    slow = ac.learn(table, threads=1, config=QUICK | {"model": "waves", "waves": {"pitch": 0.2}})
    assert edges_of(slow) != EDGES


def test_the_data_may_choose_it(waves, table, tmp_path):
    quick = {"search": {"perturbations": 0}, "mlp": {"splines": 5, "units": 20}}
    network = run(tmp_path, {"model": "auto", **quick})
    assert network.facts["model"]["name"] == "waves"
    assert [row["model"] for row in network.facts["model"]["compared"]][-1] == "waves"
    assert "waves, chosen" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert edges_of(network) == EDGES


def test_a_plan_counts_what_it_takes(waves, table, tmp_path, capsys):
    def planned(model):
        assert main(["plan", str(tmp_path / "x.csv"), "--model", model, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    cheap = planned("waves")
    models.register(replace(WAVES, cost=lambda config, n_genes, n_obs: Cost(held=2.0**33, search=1e13)))
    dear = planned("waves")
    assert dear["memory_gb"] > cheap["memory_gb"] + 8
    assert dear["total_seconds"] > cheap["total_seconds"] + 100
    assert "waves" in planned("auto")["models"]


def test_help_and_schema_have_its_section(waves, capsys):
    assert main(["run", "--help-all"]) == 0
    text = capsys.readouterr().out
    assert "--waves.pitch" in text
    assert "The model waves: how fast they go up and down." in text
    assert "waves: effects that go up and down." in " ".join(text.split())
    schema = Config.json_schema()
    assert "waves" in schema["properties"]["model"]["enum"]
    assert schema["$defs"]["Waves"]["properties"]["pitch"]["maximum"] == 20
    assert "| `waves.pitch` |" in Config.table()
    assert "waves:\n" in Config.default_yaml()


def test_a_wrong_option_of_it_is_explained_as_any_other(waves):
    with pytest.raises(ConfigError, match=r"waves\.pitch = 0\.0 is not allowed; expected a number from 0\.1 to 20"):
        Config(waves={"pitch": 0.0})
    with pytest.raises(ConfigError, match=r"waves\.pich = 1 is not an option\. Did you mean waves\.pitch"):
        Config(waves={"pich": 1})


def test_what_it_cannot_is_refused_with_its_reason_and_the_models_that_can(waves, table):
    with pytest.raises(ConfigError) as found:
        Config(model="waves", score={"noise": "equal"})
    assert str(found.value) == (
        "model waves does not go with score.noise equal, since every wave breaks at a height of its own. Leave it out, "
        "or take model linear."
    )
    acted = [*["g1"] * 30, *[""] * (N - 30)]
    with pytest.raises(ConfigError, match="waves does not go with interventions, since it was not made for that"):
        ac.learn(table, threads=1, config=QUICK | {"model": "waves"}, perturbation=acted)


def test_without_registration_it_is_unknown():
    with pytest.raises(ConfigError, match=r'model = "waves" is not allowed; expected linear, '):
        Config(model="waves")
    with pytest.raises(ConfigError, match=r"waves = \{\} is not an option"):
        Config(waves={})


def test_names_of_models_and_sections_that_are_taken_are_refused(waves):
    for name in ("linear", "auto", "two words"):
        with pytest.raises(ValueError, match="cannot be called"):
            models.register(replace(WAVES, name=name))
    with pytest.raises(ValueError, match="'glm'"):
        models.register(replace(WAVES, name="other", section=("glm", Waves)))
    assert Config(model="waves").of(Waves).pitch == PITCH
    models.register(replace(WAVES, section=("fit", Waves)))
    with pytest.raises(ConfigError, match="'fit'"):
        Config()


def test_a_card_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match=r"both has and refuses score\.noise equal"):
        replace(WAVES, abilities=frozenset(Ability) - {Ability.RELAXATION})
    with pytest.raises(ValueError, match="a relaxation is declared without being there"):
        replace(WAVES, abilities=WAVES.abilities | {Ability.RELAXATION})
    with pytest.raises(ValueError, match="hill climbing needs a structural model"):
        replace(WAVES, structural_model=None)


@dataclass(frozen=True)
class EntryPoint:
    name: str
    value: str
    card: object

    def load(self):
        if isinstance(self.card, Exception):
            raise self.card
        return self.card


def test_a_model_of_an_installed_package_is_found_and_a_broken_one_left_out(monkeypatch, table):
    points = [EntryPoint("waves", "sea:WAVES", WAVES), EntryPoint("tides", "sea:TIDES", ImportError("no moon"))]
    found = importlib.metadata.entry_points  # numba asks for its own when it first compiles, by no group or another

    def entry_points(**asked):
        return points if asked.get("group") == models.ENTRY_POINTS else found(**asked)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    models._installed.cache_clear()
    try:
        with pytest.warns(UserWarning, match=r"model 'tides' of sea:TIDES is left out: ImportError\('no moon'\)"):
            assert models.model_names()[-1] == "waves"
        assert edges_of(ac.learn(table, threads=1, config=QUICK | {"model": "waves"})) == EDGES
    finally:
        models._installed.cache_clear()
