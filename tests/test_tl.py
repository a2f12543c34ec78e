"""``tl.dag``: AnnData in, named keys out."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome import pipeline
from acyclome.config import Config
from acyclome.errors import ConfigError, InputError
from acyclome.pipeline.commands import Runtime, run

N_OBS, N_GENES = 400, 12
NO_PREPARATION = {"prepare": {"normalize": False, "log": False, "transform": "none", "min_cells": 0}}


@pytest.fixture(scope="module")
def expression():
    """Expression in which gene 0 drives 1 and 2, which together drive 3; the others are noise. Read-only."""
    rng = np.random.default_rng(11)
    X = rng.normal(size=(N_OBS, N_GENES))
    X[:, 1] += 1.5 * X[:, 0]
    X[:, 2] -= 1.5 * X[:, 0]
    X[:, 3] += X[:, 1] - X[:, 2]
    X = (X - X.min() + 1.0).astype(np.float32)
    X.flags.writeable = False
    return X


@pytest.fixture
def adata(expression):
    from anndata import AnnData

    obs = pd.DataFrame({"kind": ["T/NK", "B"] * (N_OBS // 2)}, index=[f"c{i}" for i in range(N_OBS)])
    return AnnData(expression.copy(), obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(N_GENES)]))


def learn(adata, **options):
    return ac.tl.dag(adata, **{"layer": "X", "n_resamples": 0, "config": NO_PREPARATION, "threads": 1, **options})


def test_the_network_is_written_and_nothing_else_changes(adata, expression):
    assert learn(adata) is None
    assert np.array_equal(adata.X, expression)
    assert adata.shape == (N_OBS, N_GENES)
    assert adata.varp["dag"].shape == (N_GENES, N_GENES)
    edges = ac.get.edges(adata)
    assert {frozenset(pair) for pair in zip(edges["source"], edges["target"], strict=True)} >= {
        frozenset(pair) for pair in (("G0", "G1"), ("G0", "G2"), ("G1", "G3"), ("G2", "G3"))
    }
    assert adata.uns["dag"]["is_dag"]


def test_copy_returns_the_network_and_leaves_the_object(adata):
    copied = learn(adata, copy=True, key_added="mine")
    assert "mine" in copied.varp
    assert not adata.varp.keys()
    assert not adata.uns.keys()


def test_twice_the_same_call_gives_the_same_bits(adata):
    first, second = learn(adata, copy=True), learn(adata, copy=True)
    assert_frame_equal(ac.get.edges(first), ac.get.edges(second), check_exact=True)


def test_resamples_give_stability_between_zero_and_one(adata):
    learn(adata, n_resamples=4)
    stability = ac.get.edges(adata)["stability"]
    assert stability.between(0, 1).all()
    assert stability.max() > 0.5


def test_options_of_the_config_hold_unless_an_argument_overrides_them(adata):
    learn(adata, n_resamples=None, config={**NO_PREPARATION, "resample": {"resamples": 2}, "seed": 5})
    config = ac.get.network(adata).facts["config"]
    assert (config["resample"]["resamples"], config["seed"]) == (2, 5)
    learn(adata, random_state=6, config={**NO_PREPARATION, "seed": 5})
    assert ac.get.network(adata).facts["config"]["seed"] == 6


def test_only_listed_regulators_are_causes(adata, tmp_path):
    (tmp_path / "tf.txt").write_text("G0\nG4\n")
    for regulators in (["G0", "G4"], tmp_path / "tf.txt"):
        learn(adata, regulators=regulators)
        assert set(ac.get.edges(adata)["source"]) <= {"G0", "G4"}
        assert ac.get.nodes(adata).set_index("gene")["is_regulator"].sum() == 2


def test_groups_get_their_own_networks(adata):
    learn(adata, groupby="kind", key_added="net")
    assert {entry["label"] for entry in adata.uns["net"]["groups"].values()} == {"B", "T/NK"}
    alone = adata[adata.obs["kind"] == "T/NK"].copy()
    learn(alone)
    assert_frame_equal(ac.get.edges(adata, "net", group="T/NK"), ac.get.edges(alone), check_exact=True)


def test_groups_survive_an_h5ad_file(adata, tmp_path):
    import anndata

    learn(adata, groupby="kind")
    adata.write_h5ad(tmp_path / "a.h5ad")
    again = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert_frame_equal(ac.get.edges(again, group="B"), ac.get.edges(adata, group="B"))


def test_a_view_becomes_an_object_of_its_own(adata):
    view = adata[:300]
    learn(view)
    assert "dag" in view.varp
    assert "dag" not in adata.varp


def test_a_prepared_layer_is_taken_as_it_is(adata):
    ac.pp.prepare(adata, layer="X", normalize=False, log=False, transform="none", min_cells=0)
    learn(adata, layer="dag_input", key_added="prepared")
    learn(adata, key_added="direct")
    assert_frame_equal(ac.get.edges(adata, "prepared"), ac.get.edges(adata, "direct"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"groupby": "kin"}, InputError, r"no column 'kin'.*Columns: kind"),
        (
            {"groupby": "kind", "config": {"input": {"group": "Z", "group_by": "kind"}}},
            InputError,
            "its labels are B, T/NK",
        ),
        ({"key_added": "T/NK"}, InputError, "refuse slashes"),
        ({"regulators": ["SPI1"]}, InputError, r"None of the 1 regulator"),
        ({"n_resamples": -1}, ConfigError, r"resample\.resamples = -1"),
        ({"config": {"score": {"nois": "equal"}}}, ConfigError, r"Did you mean score\.noise"),
    ],
)
def test_wrong_calls_say_what_to_do_and_write_nothing(adata, options, error, message):
    with pytest.raises(error, match=message):
        learn(adata, **options)
    assert not adata.varp.keys()
    assert not adata.uns.keys()


def test_a_network_that_could_not_be_written_is_not_learned(adata, monkeypatch):
    begun, learned = [], pipeline.learn_store
    monkeypatch.setattr(pipeline, "learn_store", lambda *a, **k: (begun.append(1), learned(*a, **k))[1])
    learn(adata)
    assert begun == [1]
    learn(adata, groupby="kind", key_added="kinds")
    assert begun == [1, 1, 1]
    adata.raw = adata.copy()
    with pytest.raises(InputError, match="layer"):
        learn(adata[:, :3].copy(), layer="raw")
    assert len(begun) == 3


def with_batches(expression):
    """Return counts of two batches and two kinds of cells, of which one batch has more of every second gene."""
    from anndata import AnnData

    rng = np.random.default_rng(12)
    batch = rng.integers(0, 3, N_OBS)
    counts = rng.poisson(np.exp(0.4 * expression + 0.5 * batch[:, None] * (np.arange(N_GENES) % 2))).astype(np.float32)
    obs = pd.DataFrame({"batch": pd.Categorical([f"b{i}" for i in batch]), "kind": ["T", "B"] * (N_OBS // 2)})
    obs.index = [f"c{i}" for i in range(N_OBS)]
    return AnnData(counts, obs=obs, var=pd.DataFrame(index=[f"G{i}" for i in range(N_GENES)]))


def test_covariates_count_as_in_a_run_over_files(expression, tmp_path):
    adata = with_batches(expression)
    adata.write_h5ad(tmp_path / "in.h5ad")
    config = Config().with_options({"prepare.covariates": ["batch"], "resample.resamples": 3})
    run(tmp_path / "in.h5ad", tmp_path / "out", config, Runtime(threads=1))
    ac.tl.dag(adata, config=config, threads=1)
    edges = ac.get.edges(adata)
    written = ac.read(tmp_path / "out")
    assert ac.get.network(adata).facts["prepare"]["n_effective"] == N_OBS - 2
    assert_frame_equal(edges[["source", "target"]], written.edges[["source", "target"]])
    for name in ("weight", "score", "stability", "reversal_loss"):
        np.testing.assert_allclose(edges[name], written.edges[name], rtol=1e-5)


def test_a_prepared_layer_keeps_the_observations_that_count(expression):
    adata = with_batches(expression)
    ac.pp.prepare(adata, covariates=["batch"])
    ac.tl.dag(adata, layer="dag_input", n_resamples=0, threads=1)
    ac.tl.dag(adata, config={"prepare": {"covariates": ["batch"]}}, n_resamples=0, threads=1, key_added="direct")
    assert ac.get.network(adata).facts["prepare"]["n_effective"] == N_OBS - 2
    assert_frame_equal(ac.get.edges(adata), ac.get.edges(adata, "direct"))


def test_a_group_of_an_object_is_the_group_of_a_run(expression, tmp_path):
    adata = with_batches(expression)
    adata.X[(adata.obs["kind"] == "T").to_numpy(), 5] = 1
    adata.write_h5ad(tmp_path / "in.h5ad")
    config = Config().with_options({"input.group_by": "kind", "prepare.covariates": ["batch"], "resample.resamples": 0})
    written = run(tmp_path / "in.h5ad", tmp_path / "out", config, Runtime(threads=1))
    ac.tl.dag(adata, config=config, threads=1)
    for label in ("B", "T"):
        edges = ac.get.edges(adata, group=label)
        assert_frame_equal(edges[["source", "target"]], written[label].edges[["source", "target"]])


@pytest.mark.parametrize("kind", ["backed", "dask"])
def test_a_matrix_that_is_not_in_memory_gives_the_same_network(kind, tmp_path, monkeypatch):
    import anndata
    import scipy.sparse as sp

    from acyclome.core.data import standardized
    from acyclome.prepare.streamed import Streamed

    monkeypatch.setattr(standardized, "HELD_BYTES", 1_000)  # so that everything is large
    monkeypatch.setattr(Streamed, "held", lambda _: pytest.fail("all of it is in memory"))
    rng = np.random.default_rng(3)
    X = rng.poisson(np.exp(rng.normal(-1.0, 1.0, 12) + 0.5 * rng.normal(size=(N_OBS, 1)))).astype(np.float32)
    whole = anndata.AnnData(sp.csr_matrix(X), var=pd.DataFrame(index=[f"G{i}" for i in range(12)]))
    whole.obs_names = [f"c{i}" for i in range(N_OBS)]
    whole.write_h5ad(tmp_path / "cells.h5ad")
    lazy = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    if kind == "dask":
        array = pytest.importorskip("dask.array")
        parts = [array.from_array(whole.X[a : a + 150], chunks=(150, 12), asarray=False) for a in range(0, N_OBS, 150)]
        lazy = anndata.AnnData(array.concatenate(parts), obs=whole.obs.copy(), var=whole.var.copy())
    for one in (whole, lazy):
        learn(one)
    assert_frame_equal(ac.get.edges(whole), ac.get.edges(lazy))
    assert len(ac.get.edges(lazy)) > 0


@pytest.mark.parametrize("gap", [None, np.nan])
def test_labels_of_a_notebook_with_gaps_are_those_that_a_file_gives_back(adata, gap):
    labels = np.array(["G0", "G4", gap, gap] * (N_OBS // 4), dtype=object)
    learned = []
    for column in (labels, pd.Categorical(labels)):  # as in a notebook, and as anndata reads it
        adata.obs["target"] = column
        learned.append(ac.get.network(learn(adata, perturbation="target", copy=True)))
    assert learned[0].facts["perturbation"] == learned[1].facts["perturbation"]
    assert learned[0].facts["perturbation"]["observations"]["untouched"] == N_OBS // 2
    assert_frame_equal(learned[0].edges, learned[1].edges)


def test_a_column_of_days_names_no_targets_and_that_is_what_is_said(adata):
    adata.obs["day"] = pd.to_datetime(["2020-01-01", "2020-01-02"] * (N_OBS // 2))
    with pytest.raises(InputError, match="None of the 2 targets in 'day'"):
        learn(adata, perturbation="day")


def test_a_part_without_observations_has_no_one_to_blame(adata):
    learn(adata)
    with pytest.raises(InputError, match="no observations before or after"):
        ac.tl.blame(adata, adata[:0], adata)
