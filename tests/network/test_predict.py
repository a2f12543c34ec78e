"""What if: prediction from a network, with intervals from its resamples, in Python and on the command line."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.dream import doubly_knocked_out, knocked_out
from pandas.testing import assert_frame_equal

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
    net = replace(learned[0], members=None)
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
        ({"set": {"b": "high"}}, "b = 'high'; expected a number"),
        ({"shift": {"b": float("nan")}}, "b = nan; expected a number"),
        ({"set": "b"}, "set = 'b'; expected genes with their amounts"),
        ({"shift": ["b"]}, "shift = .*; expected genes with their amounts"),
        ({"knockout": 3}, "knockout holds 3, which is no name"),
        ({"knockout": np.array("nobody")}, "'nobody' is not among"),
        ({"knockout": ["b"], "interval": "wide"}, "interval = 'wide'"),
    ],
)
def test_what_cannot_be_answered_is_said(learned, asked, said):
    with pytest.raises(InputError, match=said):
        learned[0].predict(**asked)


def test_amounts_may_be_a_series_and_names_an_index(learned):
    net = learned[0]
    assert_frame_equal(net.predict(set=pd.Series({"b": 1.0})), net.predict(set={"b": 1.0}))
    assert_frame_equal(net.predict(knockout=pd.Index(["b"])), net.predict(knockout="b"))


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


def test_bounds_hold_one_more_resample_as_often_as_they_say(learned):
    net, _, _ = learned
    drawn = np.sort(
        [
            row(replace(net, members=edges).predict(set={"a": 1.0}), "c")["change"]
            for _, edges in net.members.groupby("member")
        ]
    )
    found = row(net.predict(set={"a": 1.0}, interval=7 / 9), "c")  # of nine places around eight draws
    assert found["low"] == pytest.approx(drawn[0])
    assert found["high"] == pytest.approx(drawn[-1])


def test_the_change_is_the_mean_over_the_resamples(learned):
    net, _, _ = learned
    each = [
        row(replace(net, members=edges).predict(set={"a": 1.0}), "c")["change"]
        for _, edges in net.members.groupby("member")
    ]
    assert row(net.predict(set={"a": 1.0}), "c")["change"] == pytest.approx(np.mean(each))


def test_a_resample_without_edges_counts(learned):
    net, _, _ = learned
    idle = net.members.iloc[:1].assign(member=8, source=0, target=0, weight=0.0)
    with_idle = replace(net, members=pd.concat([net.members, idle], ignore_index=True))
    found = row(with_idle.predict(set={"b": 1.0}, interval=0.8), "c")  # of ten places around nine draws
    assert found["high"] == pytest.approx(0.0, abs=0.02)
    assert found["agreement"] == pytest.approx(8 / 9)


@pytest.fixture(scope="module")
def screen(tmp_path_factory):
    """a -> b -> c; a and b are knocked out in 30 observations each, c answers to a in another way than through b."""
    rng = np.random.default_rng(65)
    told = [""] * 300 + ["a"] * 30 + ["b"] * 30
    a = np.where(np.array(told) == "a", 0.0, 5 + rng.normal(size=360))
    b = np.where(np.array(told) == "b", 0.0, 1 + a + 0.5 * rng.normal(size=360))
    c = 4 + 0.5 * a + 0.6 * b + 0.5 * rng.normal(size=360)
    X = np.column_stack([a, b, c, 9 + rng.normal(size=360)])
    net = ac.learn(X, list("abcd"), perturbation=told, resamples=4, seed=2, threads=1)
    ac.write(net, tmp_path_factory.mktemp("screen") / "out")
    return net, X, told, tmp_path_factory.getbasetemp() / "screen0" / "out"


def test_a_gene_that_was_knocked_out_changes_the_others_as_it_was_seen_to(screen):
    net, X, told, _ = screen
    told = np.array(told)
    found = net.predict(knockout="a").set_index("gene")
    for j, gene in ((1, "b"), (2, "c")):
        fell = X[told == "a", j].mean() - X[told == "", j].mean()
        assert found.loc[gene, "change"] == pytest.approx(fell / X[told != gene, j].std(), rel=0.15)
        assert found.loc[gene, "low"] < found.loc[gene, "change"] < found.loc[gene, "high"]
    assert abs(found.loc["d", "change"]) < 0.3


def test_two_knockouts_are_each_where_they_were_put_and_no_gene_falls_below_nothing(screen):
    net = screen[0]
    found = net.predict(knockout=["a", "b"]).set_index("gene")["change"]
    single = net.predict(knockout="a").set_index("gene")["change"]
    lowest = net.nodes.set_index("gene")["lowest"]
    assert found["a"] == lowest["a"]
    assert found["b"] == lowest["b"]
    assert found["c"] < single["c"]
    assert np.all(found >= lowest[found.index])


def test_measured_effects_are_kept_with_the_run(screen):
    net, _, _, out = screen
    again = ac.read(out)
    pd.testing.assert_frame_equal(again.effects, net.effects)
    pd.testing.assert_frame_equal(again.predict(knockout="a"), net.predict(knockout="a"))
    assert ac.learn(screen[1], list("abcd"), resamples=0, threads=1).effects is None


@pytest.mark.parametrize("number", [1, 2, 3])
def test_double_knockouts_are_foreseen_better_than_by_the_sum_of_the_single_ones(shared_data, number):
    (values, told), (pairs, truth) = knocked_out(shared_data, number), doubly_knocked_out(shared_data, number)
    genes, X, target = list(values.columns), values.to_numpy(), np.array(told)
    net = ac.learn(X, genes, perturbation=told, resamples=4, seed=1, threads=1)
    mean, scale = (np.array([how(X[target != gene, j]) for j, gene in enumerate(genes)]) for how in (np.mean, np.std))
    found = [net.predict(knockout=[genes[i], genes[j]]).set_index("gene").loc[genes, "change"] for i, j in pairs]
    single = X[1 : len(genes) + 1] - mean
    ours = np.sum((mean + scale * np.array(found) - truth) ** 2)
    assert ours < 0.85 * np.sum((mean + single[pairs[:, 0]] + single[pairs[:, 1]] - truth) ** 2)
    assert ours < 0.3 * np.sum((mean - truth) ** 2)
