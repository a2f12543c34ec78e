"""What a session in Python hears: progress, warnings, refusals in its own words."""

import io
import sys
import traceback
import warnings

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.errors import ConfigError, DataWarning, EarlierNameWarning, InputError
from acyclome.notebook import in_python, settings
from acyclome.notebook.bars import Bars, reporter

PLAIN = {"prepare": {"normalize": False, "log": False, "transform": "none", "min_cells": 0}}


@pytest.fixture(autouse=True)
def _verbosity():
    yield
    settings.verbosity = 1


@pytest.fixture
def adata():
    from anndata import AnnData

    rng = np.random.default_rng(5)
    kind = rng.integers(0, 2, 200)
    X = rng.normal(size=(200, 12)) + 3.0 * rng.normal(size=(2, 12))[kind] + 20.0
    obs = pd.DataFrame({"kind": pd.Categorical([f"t{k}" for k in kind])}, index=[f"cell_{k}" for k in range(200)])
    return AnnData(X.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"GENE{k}A" for k in range(12)]))


def learn(adata, **options):
    ac.tl.dag(adata, **{"layer": "X", "n_resamples": 0, "config": PLAIN, "threads": 1, **options})


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Give --group-by kind, or leave it.", "Give groupby='kind', or leave it."),
        ("Lower --min-cells, or", "Lower the option prepare.min_cells, or"),
        ("(--covariates batch)", "(config={'prepare': {'covariates': ['batch']}})"),
        ("--prepare.normalize auto takes", "config={'prepare': {'normalize': 'auto'}} takes"),
        ("Give --group-by COLUMN (groupby= of tl.dag)", "Give groupby=COLUMN (groupby= of tl.dag)"),
        ("Set --resamples 20 and --seed.", "Set n_resamples=20 and random_state=."),
        ("controls be named: --control 'A;B'.", "controls be named: control='A;B'."),
        ("--min-cells 1 or more", "config={'prepare': {'min_cells': 1}} or more"),
        ("Nothing of it -- and more.", "Nothing of it -- and more."),
    ],
)
def test_options_are_said_as_arguments(said, meant):
    assert in_python(said) == meant


def test_what_the_data_are_like_is_warned_of_where_the_call_stands(adata):
    with pytest.warns(DataWarning, match=r"in common goes with the column 'kind'.*groupby='kind'") as caught:
        learn(adata)
    assert {one.filename for one in caught} == {__file__}
    with pytest.warns(DataWarning, match="in common goes with"):
        ac.pp.prepare(adata, layer="X", normalize=False, log=False, transform="none")
    with pytest.warns(DataWarning, match=r"1 of 2 regulators .* missing: SPI1"):
        learn(adata, regulators=["GENE0A", "SPI1"])


def test_warnings_are_told_once_and_with_their_group(adata):
    adata.obs["half"] = ["a", "b"] * 100
    with pytest.warns(DataWarning) as caught:
        learn(adata, groupby="half")
    said = [str(one.message) for one in caught]
    assert len(set(said)) == len(said)
    assert sorted(text[:3] for text in said if "in common" in text) == ["a: ", "b: "]


def test_verbosity_zero_is_silence(adata, capsys):
    settings.verbosity = "error"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        learn(adata)
    assert capsys.readouterr().err == ""
    for wrong in (7, "loud", True):
        with pytest.raises(InputError, match="expected 0 to 3, or one of error, warning, info, debug"):
            settings.verbosity = wrong


def test_a_bar_shows_the_stage_and_the_time_that_is_left(adata, capsys):
    assert reporter() is None  # nobody looks at the stream of a test
    settings.verbosity = 2
    learn(adata, n_resamples=2)
    said = capsys.readouterr().err
    for stage in ("screen", "order", "resample", "network"):
        assert stage in said
    assert "100%" in said
    assert "left" in said
    assert ac.settings is settings


def test_bars_may_be_told_of_any_order_of_stages(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    bars = Bars()
    for stage, done in (("network", 0.0), ("validation", 0.5), ("validation", 0.2), ("network", 1.0)):
        bars(stage, done, "message")
    bars.close()
    assert "validation" in stream.getvalue()
    assert "message" in stream.getvalue()


def test_a_transposed_object_is_refused_as_the_command_line_does(adata):
    for call in (learn, ac.pp.prepare):
        with pytest.raises(InputError, match=r"'adata' seems transposed.*Give adata\.T instead"):
            call(adata.T.copy())


def test_errors_speak_of_arguments_and_point_at_the_call(adata):
    with pytest.raises(ConfigError, match=r"joint .*Give groupby=COLUMN") as caught:
        learn(adata, joint=True)
    assert len(traceback.extract_tb(caught.value.__traceback__)) <= 4
    assert caught.value.__suppress_context__
    settings.verbosity = 3
    with pytest.raises(ConfigError) as caught:
        learn(adata, joint=True)
    assert len(traceback.extract_tb(caught.value.__cause__.__traceback__)) > 3


def test_earlier_names_of_arguments_work_with_a_warning(adata):
    with pytest.warns(EarlierNameWarning, match="The argument resamples is deprecated .* write n_resamples"):
        ac.tl.dag(adata, layer="X", resamples=0, config=PLAIN, threads=1)
    with pytest.warns(EarlierNameWarning, match="write random_state"):
        net = ac.learn(np.asarray(adata.X), n_resamples=0, seed=3)
    assert net.facts["config"]["seed"] == 3


@pytest.mark.parametrize(
    ("room", "names"),
    [
        (ac.tl, {"blame", "compare", "dag", "modules", "predict"}),
        (ac.pp, {"prepare"}),
        (ac.get, {"differential", "edges", "modules", "network", "nodes"}),
        (ac, {"Config", "Network", "learn", "read", "settings", "write", "tl", "pp", "pl", "get"}),
    ],
)
def test_completion_offers_what_users_may_call(room, names):
    assert names <= set(dir(room)) == set(room.__all__)
    assert room is ac or set(dir(room)) == names


def test_a_network_shows_its_best_edges_in_a_notebook(toy_network):
    shown = toy_network._repr_html_()
    assert "Network of 5 genes and 4 edges" in shown
    assert "<td>SPI1</td>" in shown
    assert "noise_evidence" not in shown  # nothing is known of it


def test_a_page_on_a_gene_is_shown_in_lines(toy_network):
    page = toy_network.explain("SPI1")
    assert repr(page) == str(page)
    assert len(repr(page).splitlines()) > 10


def test_an_object_that_is_given_to_learn_is_told_of_its_door(adata):
    with pytest.raises(InputError, match=r"X is of the type AnnData.*acyclome\.tl\.dag\(adata\)"):
        ac.learn(adata)


def test_groups_learned_together_are_compared_and_predicted(adata):
    learn(adata, groupby="kind", joint=True, n_resamples=2, config={**PLAIN, "validation": {"checks": False}})
    table = ac.tl.compare(adata, "t0", "t1")
    assert set(table) >= {"source", "target", "weight_t0", "weight_t1", "difference", "z", "p", "q"}
    gene = ac.get.network(adata, group="shared").genes[0]
    predicted = ac.tl.predict(adata, set={gene: 1.0}, group="t0")
    assert predicted.iloc[0]["gene"] == gene
    learn(adata, groupby="kind")
    with pytest.raises(InputError, match="not learned together"):
        ac.tl.compare(adata, "t0", "t1")
