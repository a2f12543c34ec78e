"""What if: prediction from a network, with intervals from its resamples, in Python and on the command line."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.errors import InputError


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    rng = np.random.default_rng(64)
    a = rng.normal(size=400)
    b = 0.8 * a + rng.normal(size=400) * 0.6
    c = -0.7 * b + rng.normal(size=400) * 0.5
    X = np.column_stack([a, b, c, rng.normal(size=400)])
    X = X - X.min(axis=0)
    net = ac.learn(X, list("abcd"), regulators=["a", "b"], resamples=8, seed=2)
    ac.write(net, tmp_path_factory.mktemp("net") / "out")
    return net, X, tmp_path_factory.getbasetemp() / "net0" / "out"


def row(table, gene):
    return table[table["gene"] == gene].iloc[0]


def test_effects_pass_along_the_network_and_stop_where_a_gene_is_held(learned):
    net, _, _ = learned
    weight = net.edges.set_index(["source", "target"])["weight"]
    both = net.predict(set={"b": 2.0})
    assert row(both, "b")["change"] == 2.0
    assert row(both, "c")["change"] == pytest.approx(2.0 * weight[("b", "c")])
    cut = net.predict(set={"b": 0.0}, shift={"a": 1.0})
    assert row(cut, "c")["change"] == 0.0


def test_a_knockout_puts_a_gene_where_nothing_is_expressed(learned):
    net, X, _ = learned
    found = row(net.predict(knockout="b"), "b")["change"]
    assert found == pytest.approx(-X[:, 1].mean() / X[:, 1].std(), rel=1e-5)


def test_intervals_come_from_the_resamples_and_hold_the_estimate(learned):
    net, _, _ = learned
    found = row(net.predict(set={"b": 1.0}), "c")
    assert found["low"] <= found["change"] <= found["high"]
    assert found["agreement"] == 1.0
    assert net.predict(set={"b": 1.0}, interval=0.5)["high"].sum() <= net.predict(set={"b": 1.0})["high"].sum()
    bare = ac.Network(net.edges, net.ranking, net.nodes).predict(set={"b": 1.0})
    assert bare[["low", "high", "agreement"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Nothing is acted on"),
        ({"set": {"B": 1.0}}, "Did you mean b"),
        ({"set": {"b": 1.0}, "knockout": ["b"]}, "acted on more than once"),
        ({"set": {"b": 1.0}, "interval": 1.0}, "interval = 1.0"),
    ],
)
def test_what_cannot_be_answered_is_said(learned, asked, said):
    with pytest.raises(InputError, match=said):
        learned[0].predict(**asked)


def test_the_command_gives_the_numbers_of_python(learned, tmp_path, capsys):
    from acyclome.cli import main

    net, _, out = learned
    assert main(["predict", str(out), "--set", "b=-2", "--json", "-o", str(tmp_path / "p.tsv")]) == 0
    found = json.loads(capsys.readouterr().out)["changes"]
    expected = net.predict(set={"b": -2})
    assert [one["gene"] for one in found] == expected["gene"].tolist()
    np.testing.assert_allclose([one["low"] for one in found], expected["low"])
    assert (tmp_path / "p.tsv").exists()
    assert main(["predict", str(out), "--set", "b"]) == 2
    assert "expected GENE=VALUE" in capsys.readouterr().err


def test_a_resample_without_edges_counts(learned):
    net, _, _ = learned
    idle = net.members.iloc[:1].assign(member=8, source=0, target=0, weight=0.0)
    with_idle = replace(net, members=pd.concat([net.members, idle], ignore_index=True))
    found = row(with_idle.predict(set={"b": 1.0}, interval=0.999), "c")
    assert found["high"] == pytest.approx(0.0, abs=0.02)
    assert found["agreement"] == pytest.approx(8 / 9)
