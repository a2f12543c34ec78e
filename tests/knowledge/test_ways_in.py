"""Prior knowledge on every road: learn, a run over files, shards, groups and resamples."""

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.pipeline.commands import Runtime, run

GENES = [f"G{k}" for k in range(14)]
KNOWN = pd.DataFrame(
    [("G3", "G7", "required"), ("G0", "G1", "forbidden"), ("G1", "G0", "forbidden"), ("G2", "G9", "known")],
    columns=["source", "target", "kind"],
)


def matrix(n=200):
    rng = np.random.default_rng(77)
    X = rng.standard_normal((n, 14))
    X[:, 1] += 2 * X[:, 0]
    X[:, 9] += 2 * X[:, 2]
    return X


def edges(network):
    return set(zip(network.edges["source"], network.edges["target"], strict=True))


def holds(network):
    found = edges(network)
    return ("G3", "G7") in found and not {("G0", "G1"), ("G1", "G0")} & found


def test_learn_keeps_to_what_is_known_and_says_so():
    net = ac.learn(matrix(), GENES, knowledge=KNOWN, resamples=4, seed=1)
    assert holds(net)
    told = net.edges.set_index(["source", "target"])
    assert told.loc[("G3", "G7"), "prior"] == "required"
    assert told.loc[("G3", "G7"), "stability"] == 1.0
    assert not told.loc[("G3", "G7"), "reversible"]
    assert ("G2", "G9") not in told.index or told.loc[("G2", "G9"), "prior"] == "known"
    assert {("G0", "G1"), ("G1", "G0")} & edges(ac.learn(matrix(), GENES, resamples=0))


@pytest.mark.parametrize("model", ["linear", "lingam"])
def test_a_required_edge_whose_sign_the_data_contradict_has_weight_0_and_the_run_says_so(model):
    rules = pd.DataFrame(
        [("G0", "G1", "required", "-"), ("G2", "G9", "required", "+")], columns=["source", "target", "kind", "sign"]
    )
    net = ac.learn(matrix(), GENES, config={"model": model}, knowledge=rules, resamples=2, seed=1)
    weight = net.edges.set_index(["source", "target"])["weight"]
    assert weight["G0", "G1"] == 0.0
    assert weight["G2", "G9"] > 0.5
    said = [text for text in net.facts["warnings"] if "the sign asked for" in text]
    assert said == [
        "The data do not give these required edges the sign asked for; they stay with the weight 0: G0 -> G1."
    ]


@pytest.mark.parametrize("shards", [0, 3])
def test_a_run_reads_tables_and_gives_the_bits_of_learn(tmp_path, shards):
    pd.DataFrame(matrix(), columns=GENES).to_csv(tmp_path / "x.tsv", sep="\t")
    KNOWN.to_csv(tmp_path / "known.tsv", sep="\t", index=False)
    config = Config.from_mapping(
        {
            "knowledge": {"knowledge": str(tmp_path / "known.tsv")},
            "shard": {"shards": shards},
            "resample": {"resamples": 0},
            "prepare": {"transform": "none"},
        }
    )
    net = run(tmp_path / "x.tsv", tmp_path / "out", config, Runtime())
    assert holds(net)
    if not shards:
        pd.testing.assert_frame_equal(
            net.edges,
            ac.learn(
                matrix().astype(np.float32),
                GENES,
                knowledge=KNOWN,
                resamples=0,
                config={"prepare": {"transform": "none"}},
            ).edges,
        )


def test_scopes_hold_in_their_group(tmp_path):
    rows = KNOWN.assign(scope=["a", "all", "all", "all"])
    labels = np.repeat(["a", "b"], 100)
    nets = ac.learn(matrix(), GENES, knowledge=rows, groups=labels, resamples=0)
    assert ("G3", "G7") in edges(nets["a"])
    assert ("G3", "G7") not in edges(nets["b"])


def test_scopes_hold_in_tables_of_one_kind_too_and_others_are_told(tmp_path):
    (tmp_path / "r.tsv").write_text("source\ttarget\tscope\nG3\tG7\ta\n")
    labels = np.repeat(["a", "b"], 100)
    nets = ac.learn(
        matrix(), GENES, groups=labels, resamples=0, config={"knowledge": {"required": str(tmp_path / "r.tsv")}}
    )
    assert ("G3", "G7") in edges(nets["a"])
    assert ("G3", "G7") not in edges(nets["b"])
    assert any("for a, and this is the group b" in text for text in nets["b"].facts["warnings"])


def test_a_contradiction_stops_before_anything_is_fitted():
    with pytest.raises(InputError, match="is required and forbidden"):
        ac.learn(matrix(), GENES, knowledge=pd.concat([KNOWN, KNOWN.assign(kind="required")]), resamples=0)


def test_tiers_hold(tmp_path):
    (tmp_path / "tiers.tsv").write_text("gene\ttier\nG1\t0\nG0\t1\n")
    net = ac.learn(matrix(), GENES, resamples=0, config={"knowledge": {"tiers": str(tmp_path / "tiers.tsv")}})
    assert ("G0", "G1") not in edges(net)
    assert ("G1", "G0") in edges(net)
