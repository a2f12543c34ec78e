"""Groups learned together: one order, exceptions by group, and differences that are rarely false."""

import anndata
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.evaluate.simulate import simulate
from acyclome.network import JointNetworks
from acyclome.pipeline.commands import Runtime, run
from acyclome.pipeline.session import Session

JOINT = {"input": {"joint": True}}
D, EACH = 30, 300


def draw(seed, special=False):
    """Two halves of one simulated data set; special: in the second half gene_1 also rules the last in the order."""
    drawn = simulate(D, 2 * EACH, graph="er", degree=1.5, parent_share=(0.3, 0.8), standardised=True, seed=seed)
    X, label = drawn.X.copy(), np.repeat(["A", "B"], EACH)
    sinks = np.setdiff1d(np.arange(D), drawn.source)
    roots = np.setdiff1d(np.arange(D), drawn.target)
    pair = int(np.setdiff1d(roots, sinks)[0]), int(np.setdiff1d(sinks, roots)[0])
    if special:
        X[EACH:, pair[1]] += 0.8 * X[EACH:, pair[0]]
    X[EACH:] += np.linspace(-3, 3, D)  # means of groups, which are no edges
    return X, label, tuple(f"gene_{k + 1}" for k in pair)


@pytest.fixture(scope="module")
def learned():
    X, label, pair = draw(5, special=True)
    return ac.learn(X, groups=label, resamples=2, seed=1, threads=1, config=JOINT), X, label, pair


def test_all_networks_keep_to_one_order(learned):
    found, *_ = learned
    assert isinstance(found, JointNetworks)
    assert list(found) == ["A", "B"]
    place = found.shared.nodes.set_index("gene")["order"]
    for network in found.values():
        edges = network.edges
        assert np.all(place[edges["source"]].to_numpy() < place[edges["target"]].to_numpy())
        assert set(edges["prior"]) <= {"", "shared"}
        assert (edges["prior"] == "shared").mean() > 0.7
        assert edges["reversible"].any()


def test_an_edge_of_one_group_is_found_there_and_called_different(learned):
    found, *_, (source, target) = learned
    held = {
        label: (source, target) in set(zip(net.edges["source"], net.edges["target"], strict=True))
        for label, net in found.items()
    }
    assert held == {"A": False, "B": True}
    row = found.differential.set_index(["source", "target"]).loc[(source, target)]
    assert row["q"] < 0.01
    assert abs(row["weight_B"]) > abs(row["weight_A"]) + 0.3
    assert row["difference"] == pytest.approx(abs(row["weight_B"] - row["weight_A"]))


def test_two_halves_of_the_same_data_hardly_ever_differ():
    false = []
    for seed in range(6):
        X, label, _ = draw(100 + seed)
        found = ac.learn(X, groups=label, resamples=0, seed=seed, threads=1, config=JOINT)
        false.append(bool((found.differential["q"] <= 0.1).any()))
    assert sum(false) <= 2


def test_the_model_is_chosen_once_from_all_groups():
    X, label, _ = draw(7)
    few = slice(0, 12)
    options = {**JOINT, "search": {"perturbations": 0}, "mlp": {"splines": 5, "units": 20}}
    found = ac.learn(X[:, few], groups=label, resamples=0, seed=1, threads=1, config={**options, "model": "auto"})
    chosen = found.shared.facts["model"]
    assert len(chosen["compared"]) > 1
    assert {network.facts["model"]["name"] for network in found.values()} == {chosen["name"]}
    assert found["A"].facts["config"]["model"] == "auto"
    named = ac.learn(
        X[:, few], groups=label, resamples=0, seed=1, threads=1, config={**options, "model": chosen["name"]}
    )
    for one, two in ((found.shared, named.shared), (found["A"], named["A"]), (found["B"], named["B"])):
        pd.testing.assert_frame_equal(one.edges, two.edges)


def test_the_bits_do_not_depend_on_threads(learned):
    found, X, label, _ = learned
    again = ac.learn(X, groups=label, resamples=2, seed=1, threads=3, config=JOINT)
    pd.testing.assert_frame_equal(found.differential, again.differential)
    for name, network in found.items():
        pd.testing.assert_frame_equal(network.edges, again[name].edges)


def test_a_run_writes_the_shared_network_and_the_differences(tmp_path, learned):
    _, X, label, _ = learned
    adata = anndata.AnnData(
        X.astype(np.float32) + 20,
        pd.DataFrame({"kind": label}, [f"c{k}" for k in range(len(X))]),
        pd.DataFrame(index=[f"gene_{k + 1}" for k in range(D)]),
    )
    adata.write_h5ad(tmp_path / "in.h5ad")
    plain = {
        "input": {"group_by": "kind", "joint": True},
        "prepare": {"normalize": False, "log": False, "transform": "none"},
        "resample": {"resamples": 0},
    }
    found = run(tmp_path / "in.h5ad", tmp_path / "out", Config.from_mapping(plain), Runtime())
    assert isinstance(found, JointNetworks)
    pd.testing.assert_frame_equal(ac.read(tmp_path / "out" / "shared").edges, found.shared.edges)
    pd.testing.assert_frame_equal(ac.read(tmp_path / "out" / "B").edges, found["B"].edges)
    table = pd.read_csv(tmp_path / "out" / "differential.tsv.gz", sep="\t")
    assert len(table) == len(found.differential)
    assert (tmp_path / "out" / "shared" / "report.html").exists()
    with Session.open(tmp_path / "out" / "B", Runtime()) as group:  # a stage of one group is taken again as it was
        group.order()
        pd.testing.assert_frame_equal(group.network().edges, found["B"].edges)
    (tmp_path / "out" / "shared" / "edges.tsv.gz").unlink()
    with pytest.raises(InputError, match="Keep the folders of a joint run together"):
        Session.open(tmp_path / "out" / "B", Runtime())


def test_an_object_keeps_the_networks_and_the_differences(learned):
    _, X, label, _ = learned
    adata = anndata.AnnData(
        X,
        pd.DataFrame({"kind": label}, [f"c{k}" for k in range(len(X))]),
        pd.DataFrame(index=[f"gene_{k + 1}" for k in range(D)]),
    )
    plain = {"prepare": {"normalize": False, "log": False, "transform": "none", "min_cells": 0}, **JOINT}
    ac.tl.dag(adata, groupby="kind", resamples=0, threads=1, config=plain)
    assert set(adata.varp) == {"dag", "dag_A", "dag_B"}
    table = ac.get.differential(adata)
    assert set(table["source"]) <= set(adata.var_names)
    with pytest.raises(ConfigError, match="joint"):
        ac.tl.dag(adata, threads=1, config=plain)


def test_what_cannot_be_learned_together_is_refused(learned, tmp_path):
    _, X, label, _ = learned
    with pytest.raises(InputError, match="called 'shared'"):
        ac.learn(X, groups=np.where(label == "A", "shared", "B"), config=JOINT, threads=1)
    with pytest.raises(InputError, match="1 group"):
        ac.learn(X, groups=["A"] * len(X), config=JOINT, threads=1)
    with pytest.raises(ConfigError, match="joint"):
        ac.learn(X, config=JOINT, threads=1)
    with pytest.raises(ConfigError, match="joint"):
        run(tmp_path / "x.h5ad", tmp_path / "out", Config().with_options({"input.joint": True}), Runtime())
