"""Interventions on every road: command line, AnnData and arrays, in memory and in stages."""

from __future__ import annotations

import gzip
import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.dream import knocked_out
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome.cli import main
from acyclome.confidence import resample
from acyclome.config import Config
from acyclome.core.data.interventions import Interventions
from acyclome.errors import InputError
from acyclome.io.store import MemoryStore
from acyclome.pipeline import stages
from acyclome.pipeline.commands import Runtime, run
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.keys import Part

GENES = [f"G{i}" for i in range(8)]
PLAIN = {"prepare": {"normalize": False, "log": False, "transform": "none", "min_cells": 0}}
AS_IT_IS = [f"--prepare.{option}" for option in ("normalize=false", "log=false", "transform=none", "min-cells=0")]
WORDS = [*AS_IT_IS, "--resamples", "3"]
TABLES = ("edges", "ranking", "nodes")


@pytest.fixture(scope="module")
def drawn():
    """Values and labels of a chain G0 -> G1 -> G2 and G3 -> G4: 200 quiet observations, 60 with targets. Read-only."""
    rng = np.random.default_rng(21)
    X = rng.standard_normal((260, 8))
    label = ["NT"] * 200 + ["G0"] * 20 + ["G1;G3"] * 20 + ["ZNF1"] * 10 + ["G4"] * 10
    for j, causes in ((0, []), (1, [0]), (2, [1]), (3, []), (4, [3])):
        X[:, j] += X[:, causes].sum(axis=1)
        acted = np.array([f"G{j}" in text.split(";") for text in label])
        X[acted, j] = -5.0 + 0.1 * rng.standard_normal(acted.sum())
    X = X.astype(np.float32)
    X.flags.writeable = False
    return X, label


@pytest.fixture
def adata(drawn):
    from anndata import AnnData

    obs = pd.DataFrame({"guide": drawn[1]}, index=[f"c{i}" for i in range(260)])
    return AnnData(drawn[0].copy(), obs=obs, var=pd.DataFrame(index=GENES))


def learned(drawn, **options):
    X, label = drawn
    return ac.learn(
        X, GENES, perturbation=["" if text == "NT" else text for text in label], resamples=3, seed=4, **options
    )


def test_interventions_orient_what_observations_leave_open(drawn):
    net = learned(drawn)
    edges = net.edges.set_index(["source", "target"])
    assert set(edges.index) == {("G0", "G1"), ("G1", "G2"), ("G3", "G4")}
    assert edges["oriented_by_intervention"].all()
    assert not edges["reversible"].any()
    blind = ac.learn(drawn[0][:200], GENES, resamples=0, seed=4).edges
    assert not blind["oriented_by_intervention"].any()
    assert blind["reversible"].all()
    facts = net.facts["perturbation"]
    assert (facts["targets"], facts["unknown"]) == (4, {"ZNF1": 10})
    assert {row["target"]: row["observations"] for row in facts["effects"]} == {"G0": 20, "G1": 20, "G3": 20, "G4": 10}
    assert all(row["firm"] for row in facts["effects"])
    assert any("ZNF1 (10)" in text for text in net.facts["warnings"])
    assert "by intervention" in net.explain("G1")


def test_command_line_anndata_and_arrays_give_the_same_bits(drawn, adata, tmp_path):
    adata.write_h5ad(tmp_path / "in.h5ad")
    given = ["--perturbation", "guide", "--control", "NT", "--seed", "4"]
    out = tmp_path / "out"
    assert main(["run", str(tmp_path / "in.h5ad"), "-o", str(out), *WORDS, *given, "--quiet", "--threads", "2"]) == 0
    ac.tl.dag(adata, perturbation="guide", control="NT", resamples=3, seed=4, config=PLAIN, threads=1)
    net, read = learned(drawn), ac.read(out)
    for name in TABLES:
        assert_frame_equal(getattr(read, name), getattr(net, name))
    assert ac.get.edges(adata)["oriented_by_intervention"].sum() == 3
    assert json.loads((out / "run.json").read_text())["perturbation"]["control"] == "NT"
    edges = ac.get.edges(adata)
    assert edges["weight"].tolist() == net.edges["weight"].tolist()


def test_stages_and_shards_and_threads_give_the_bits_of_the_whole(drawn, adata, tmp_path):
    adata.write_h5ad(tmp_path / "in.h5ad")
    config = Config.from_mapping(
        {
            **PLAIN,
            "input": {"perturbation": "guide", "control": "NT"},
            "seed": 4,
            "resample": {"resamples": 3},
            "shard": {"shards": 1},
        }
    )
    run(tmp_path / "in.h5ad", tmp_path / "one", config, Runtime(threads=2))
    words = ["--threads", "1", "--quiet"]
    two = str(tmp_path / "two")
    given = ["--perturbation", "guide", "--control", "NT", "--seed", "4", "--shards", "1"]
    assert main(["prepare", str(tmp_path / "in.h5ad"), "-o", two, *WORDS, *given, *words]) == 0
    for stage in ("screen", "shard", "fit", "merge", "order", "resample", "network"):
        assert main([stage, two, *words]) == 0
    for name in ("edges.tsv.gz", "ranking.tsv.gz"):
        found = [gzip.decompress((tmp_path / folder / name).read_bytes()) for folder in ("one", "two")]
        assert found[0] == found[1]
    assert_frame_equal(ac.read(tmp_path / "one").edges, learned(drawn).edges)


def test_the_work_travels_with_its_targets(bench, drawn):
    X, _ = drawn
    targets = Interventions.from_pairs(np.zeros(20, int), np.arange(200, 220), n_genes=8, n_obs=260)
    none = Interventions.none(n_obs=260, n_genes=8)
    config = Config().with_options({"resample.resamples": 2})
    data, bare = (
        replace(Dataset.build(MemoryStore(X.T, GENES), config), interventions=done) for done in (targets, none)
    )
    there = pickle.loads(pickle.dumps(data))
    here, away, with_all = (stages.resample(bench.task(one, config), Part(0, 1)) for one in (data, there, bare))
    np.testing.assert_equal(here.to_arrays(), away.to_arrays())
    assert with_all.loss.tolist() != here.loss.tolist()


def test_a_part_of_the_data_keeps_its_targets_and_treatments(drawn):
    X, label = drawn[0][[text != "ZNF1" for text in drawn[1]]], [text for text in drawn[1] if text != "ZNF1"]
    config = Config.from_mapping({"input": {"perturbation": "guide", "control": "NT"}})
    obs = pd.DataFrame({"guide": label})
    whole = Dataset.build(MemoryStore(X.T, GENES, obs_columns=obs), config)
    genes, rows = np.array([0, 1, 2, 5]), np.arange(150, 250)
    kept = [";".join(name for name in str(text).split(";") if name in ("G0", "G1", "G2", "G5")) for text in label]
    part, store = whole.subset(genes=genes, rows=rows), MemoryStore(X.T[genes][:, rows], [GENES[j] for j in genes])
    acted = [[gene for gene in range(4) if row in part.interventions.of(gene)] for row in range(len(rows))]
    assert [";".join(store.genes[gene] for gene in some) for some in acted] == [kept[row] for row in rows]
    for row, number in zip(rows, part.treatments.kind, strict=True):
        assert (number < 0) == (label[row] == "NT")
        if number >= 0 and (gene := part.treatments.gene[number]) >= 0:
            assert store.genes[gene] == label[row]


def test_observations_with_unknown_targets_change_nothing(drawn):
    X, label = drawn
    known = [text != "ZNF1" for text in label]
    texts = ["" if text == "NT" else text for text in label]
    net = ac.learn(X, GENES, perturbation=texts, resamples=2, seed=4)
    without = [text for text in texts if text != "ZNF1"]
    bare = ac.learn(X[known], GENES, perturbation=without, resamples=2, seed=4)
    for name in TABLES:
        assert_frame_equal(getattr(net, name), getattr(bare, name))
    assert net.facts["prepare"]["n_obs"] == 250
    with pytest.raises(InputError, match="has 5 observations"):
        ac.learn(X[:12], GENES, perturbation=["G0"] * 5 + ["ZNF1"] * 7, resamples=0)


def test_groups_learned_together_leave_out_unknown_targets_too(drawn):
    X, label = drawn
    kinds, texts = ["B", "T"] * 130, ["" if text == "NT" else text for text in label]
    keep = [text != "ZNF1" for text in label]
    both = {"config": {"input": {"joint": True}}, "resamples": 0, "seed": 4}
    nets = ac.learn(X, GENES, perturbation=texts, groups=kinds, **both)
    rest = ([x for x, kept in zip(one, keep, strict=True) if kept] for one in (texts, kinds))
    bare = ac.learn(X[keep], GENES, **dict(zip(("perturbation", "groups"), rest, strict=True)), **both)
    columns = ["source", "target"]
    assert_frame_equal(nets.differential[columns], bare.differential[columns])
    np.testing.assert_allclose(nets.differential["z"], bare.differential["z"], atol=0.2)  # scales are of all


def test_groups_have_their_own_targets(drawn):
    X, label = drawn
    kinds = ["B", "T"] * 130
    nets = ac.learn(X, GENES, perturbation=["" if t == "NT" else t for t in label], groups=kinds, resamples=0, seed=4)
    assert {name: net.facts["perturbation"]["observations"]["targeted"] for name, net in nets.items()} == {
        "B": 25,
        "T": 25,
    }


def test_a_group_without_targets_is_learned_as_if_there_were_none(drawn):
    X, label = drawn
    kinds, texts = ["quiet" if t == "NT" else "acted" for t in label], ["" if t == "NT" else t for t in label]
    nets = ac.learn(X, GENES, perturbation=texts, groups=kinds, resamples=2, seed=4)
    plain = ac.learn(X[:200], GENES, resamples=2, seed=4)
    for name in TABLES:
        assert_frame_equal(getattr(nets["quiet"], name), getattr(plain, name))
    assert (
        "None of these observations has a target, so no intervention says anything here."
        in nets["quiet"].facts["warnings"]
    )


def test_prepared_layers_keep_their_targets(adata, drawn):
    ac.pp.prepare(adata, layer="X", min_cells=0, normalize=False, log=False, transform="none")
    ac.tl.dag(adata, layer="dag_input", perturbation="guide", control="NT", resamples=3, seed=4, threads=1)
    assert ac.get.edges(adata)["weight"].tolist() == learned(drawn).edges["weight"].tolist()
    with pytest.raises(InputError, match="control 'none'"):
        ac.tl.dag(adata, layer="dag_input", perturbation="guide", control="none", resamples=0)


def test_what_is_refused_of_a_group_names_it(drawn):
    told = {"perturbation": ["G0"] * 12 + ["ZNF1"] * 12, "groups": ["a"] * 12 + ["b"] * 12}
    with pytest.raises(InputError, match=r"(?s)Group 'b': None of the 1 target.* ZNF1"):
        ac.learn(drawn[0][:24], GENES, **told, resamples=0, threads=1)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--perturbation", "gide"], ["no column 'gide'", "guide"]),
        (["--perturbation", "guide", "--control", "ctrl"], ["No observation has the control 'ctrl'", "NT (200)"]),
        (["--perturbation", "kind"], ["None of the 2 targets in 'kind'", "targets: B, T", "genes:   G0, G1"]),
        (["--control", "NT"], ["perturbation does not say which column"]),
        (
            ["--perturbation", "guide", "--prepare.pseudobulk-by", "kind"],
            ["different targets", "--prepare.pseudobulk-by kind,guide"],
        ),
    ],
)
def test_what_cannot_be_used_is_refused_on_one_screen(adata, tmp_path, capsys, options, parts):
    adata.obs["kind"] = ["B", "T"] * 130
    adata.write_h5ad(tmp_path / "in.h5ad")
    code = main(["run", str(tmp_path / "in.h5ad"), "-o", str(tmp_path / "out"), *WORDS, *options, "--quiet"])
    text = capsys.readouterr().err
    assert code == 2
    assert all(part in " ".join(text.split()) or part in text for part in parts), text
    assert len(text.splitlines()) <= 12


def test_metacells_never_mix_targets(adata):
    from acyclome.prepare import prepare

    options = {"prepare": {**PLAIN["prepare"], "metacells": 5}, "input": {"perturbation": "guide", "control": "NT"}}
    done = prepare(adata, Config.from_mapping(options))
    found = done.obs_columns["guide"].value_counts()
    assert {name: int(n) for name, n in found.items()} == {"NT": 40, "G0": 4, "G1;G3": 4, "ZNF1": 2, "G4": 2}


def test_other_labels_are_another_run(drawn, adata, tmp_path):
    adata.write_h5ad(tmp_path / "in.h5ad")
    config = Config.from_mapping({**PLAIN, "resample": {"resamples": 0}})
    out, path = tmp_path / "out", tmp_path / "in.h5ad"
    run(path, out, config, Runtime(resume=True))
    run(path, out, config.with_options({"input.perturbation": "guide", "input.control": "NT"}), Runtime(resume=True))
    assert ac.read(out).edges["oriented_by_intervention"].any()


def test_effects_lift_the_ranking_of_pairs_that_no_resample_joins(drawn):
    net = learned(drawn)
    score = net.ranking.set_index(["source", "target"])["rank_score"]
    assert score["G0", "G1"] > score["G0", "G2"] + 0.2  # found by all, and shown by the intervention
    assert 0.5 < score["G0", "G2"] < 1.25  # an effect that goes through G1
    assert score["G2", "G0"] < 0.25
    assert score.between(0, 2).all()
    quick = ac.learn(drawn[0], GENES, perturbation=["" if t == "NT" else t for t in drawn[1]], resamples=0, seed=4)
    assert quick.ranking["rank_score"].between(0, 2).all()


def test_halves_keep_their_share_of_every_target():
    strata = np.array([0] * 20 + [1, 1, 2, 2, 2, 2])
    for member in resample.plan_subsamples(26, 8, fraction=0.5, seed=1, strata=strata):
        assert np.bincount(strata[member.rows]).tolist() == [10, 1, 2]


def test_equal_noise_goes_with_interventions():
    rng = np.random.default_rng(22)
    X = rng.standard_normal((300, 4))
    X[200:230, 1] = 9.0 + rng.standard_normal(30)  # this variance is not that of the noise
    X[:, 0] += 0.8 * X[:, 1]
    labels = ["gene_2" if 200 <= row < 230 else "" for row in range(300)]
    net = ac.learn(X, perturbation=labels, resamples=0, config={"score": {"noise": "equal"}})
    assert net.edges[["source", "target", "oriented_by_intervention"]].values.tolist() == [["gene_2", "gene_1", True]]
    own = np.delete(X[:, 1], np.arange(200, 230))
    assert net.nodes.set_index("gene")["noise_scale"]["gene_2"] == pytest.approx(own.std())


def test_knockouts_and_knockdowns_rank_above_the_knockouts_alone(shared_data):
    from acyclome.cli.truth import read_truth
    from acyclome.evaluate.ranking import ranking_scores, scored_universe

    values, told = knocked_out(shared_data, 3)
    net = ac.learn(values, perturbation=told, resamples=4, seed=1)
    truth = read_truth(shared_data / "dream4" / "insilico_size100_3_goldstandard.tsv.gz")
    universe = scored_universe(truth, list(values.columns), restrict=False)
    found = ranking_scores(net.ranking["source"], net.ranking["target"], net.ranking["rank_score"].to_numpy(), universe)
    assert found["aupr"] > 1.1 * 0.330  # the z-scores of the knockouts, as the notes on the data have them


def test_experiments_on_signalling_proteins_turn_arrows_right(shared_data):
    table = pd.read_csv(f"{shared_data}/sachs/sachs_all_conditions.tsv.gz", sep="\t")
    truth = pd.read_csv(f"{shared_data}/sachs/truth_17edges_bnlearn.tsv", sep="\t")
    true = set(zip(truth["cause"], truth["effect"], strict=True))
    X = np.log(table.iloc[:, 2:])
    X -= X.groupby(table["condition"]).transform("mean")
    acted = table["intervention"].str.split(" ").str[0].replace("none", "")
    right = []
    for labels in (None, acted.tolist()):
        edges = ac.learn(X, perturbation=labels, resamples=0, seed=1).edges
        right.append(len(set(zip(edges["source"], edges["target"], strict=True)) & true))
    assert right[1] >= 6 > right[0]
