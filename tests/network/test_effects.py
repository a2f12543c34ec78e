"""Total and direct effects as a table, beside the formula of paths."""

import gzip
import json

import numpy as np
import pytest

import acyclome as ac
from acyclome.errors import InputError

GENES = list("abcde")


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """a -> b -> c, a -> c, d -> e; b is knocked down in 60 observations."""
    rng = np.random.default_rng(0xEF)
    told = [""] * 500 + ["b"] * 60
    X = rng.normal(size=(560, 5))
    X[:, 1] += 0.9 * X[:, 0]
    X[500:, 1] -= 3.0
    X[:, 2] += 0.8 * X[:, 1] - 0.7 * X[:, 0]
    X[:, 4] += X[:, 3]
    net = ac.learn(X, GENES, perturbation=told, resamples=6, seed=2, threads=1)
    out = tmp_path_factory.mktemp("effects") / "out"
    ac.write(net, out)
    return net, out


def test_inferred_effects_are_the_sum_over_all_paths(learned):
    bare = ac.Network(learned[0].edges, learned[0].ranking, learned[0].nodes)
    table = bare.total_effects(least=0.0).set_index(["source", "target"])
    W = bare.matrix().toarray()
    T = np.linalg.inv(np.eye(5) - W)
    for (source, target), row in table.iterrows():
        i, j = GENES.index(source), GENES.index(target)
        assert row["effect"] == pytest.approx(T[i, j])
        assert row["through"] == pytest.approx(T[i, j])
        assert row["direct"] == pytest.approx(W[i, j])
        assert row["share"] == pytest.approx(1.0)
    assert len(table) == np.count_nonzero(np.abs(T) > 0) - 5
    assert (table["basis"] == "inferred").all()
    assert table["low"].isna().all()


def test_measured_effects_come_first_and_say_how_much_of_them_the_network_explains(learned):
    net = learned[0]
    table = net.total_effects().set_index(["source", "target"])
    assert set(table.loc["b", "basis"]) == {"measured"}
    assert set(table.loc["d", "basis"]) == {"inferred"}
    row = table.loc[("b", "c")]
    assert row["low"] < row["effect"] < row["high"]
    assert row["share"] == pytest.approx(np.clip(row["through"] / row["effect"], 0, 1))
    assert row["share"] > 0.8
    assert table["effect"].abs().is_monotonic_decreasing


def test_the_inferred_effect_is_the_mean_over_the_resamples_within_its_bounds(learned):
    row = learned[0].total_effects("d").iloc[0]
    assert (row["source"], row["target"]) == ("d", "e")
    change = learned[0].predict(shift={"d": 1.0}).set_index("gene").loc["e", "change"]
    assert row["effect"] == pytest.approx(change)
    assert row["low"] <= row["effect"] <= row["high"]


def test_effects_of_genes_that_were_acted_on_are_a_file_of_the_run(learned, capsys):
    from acyclome.cli import main

    net, out = learned
    lines = gzip.decompress((out / "effects.tsv.gz").read_bytes()).decode().splitlines()
    assert lines[0].split("\t")[:3] == ["source", "target", "effect"]
    assert {line.split("\t")[0] for line in lines[1:]} == {"b"}
    assert main(["effects", str(out), "-g", "d", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["effects"]
    assert [(row["source"], row["target"]) for row in found] == [("d", "e")]
    assert main(["effects", str(out)]) == 0
    assert "measured" in capsys.readouterr().out
    assert net.total_effects("b").equals(ac.read(out).total_effects("b"))


def test_an_unknown_gene_is_refused(learned):
    with pytest.raises(InputError, match="'x' is not among the 5 genes"):
        learned[0].total_effects("x")


def test_descendants_are_all_genes_below_with_the_steps_to_them(learned):
    bare = ac.Network(learned[0].edges, learned[0].ranking, learned[0].nodes)
    table = bare.total_effects("a", descendants=True)
    W = bare.matrix().toarray()
    T = np.linalg.inv(np.eye(5) - W)
    reached = {target for target in GENES if target != "a" and T[0, GENES.index(target)]}
    assert set(table["target"]) == reached >= {"b", "c"}
    for row in table.itertuples():
        j = GENES.index(row.target)
        powers = [np.linalg.matrix_power(W != 0, k)[0, j] for k in range(1, 5)]
        assert row.steps == 1 + next(k for k, there in enumerate(powers) if there)
        assert (row.effect, row.through) == pytest.approx((T[0, j], T[0, j]))
        assert row.direct == pytest.approx(W[0, j])
    assert table["steps"].is_monotonic_increasing


def test_paths_that_cancel_out_still_lead_to_a_descendant():
    from acyclome.network.build import build_network

    network = build_network(
        ["a", "b", "c"],
        {"source": np.array([0, 1, 0]), "target": np.array([1, 2, 2]), "weight": np.array([0.5, 0.5, -0.25])},
        {"order": np.arange(3), "r2": np.zeros(3), "noise_scale": np.ones(3)},
        ranking=(np.array([0]), np.array([1]), np.ones(1)),
    )
    last = network.total_effects("a", descendants=True).iloc[-1]
    assert (last["target"], last["steps"], last["effect"], last["direct"], last["through"]) == ("c", 1, 0.0, -0.25, 0.0)
    assert np.isnan(last["share"])
    assert network.total_effects("a")["target"].tolist() == ["b"]
    assert network.total_effects("c", descendants=True).empty
