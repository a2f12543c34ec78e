"""Amounts are learned from by their logarithms, where noise may multiply them: as if these had been given."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome import learn
from acyclome.config import Config
from acyclome.io.logarithms import with_logarithms
from acyclome.io.store import MemoryStore
from acyclome.pipeline.held_out import treatments_table
from acyclome.pipeline.record import _amounts
from acyclome.prepare.alike import prepare_alike

N = 400
GRAN_DAG = Config.from_mapping({"model": "gran_dag"})
ACTED = Config.from_mapping({"model": "gran_dag", "input": {"perturbation": "guide", "control": "NT"}})
NAMES = ["g0", "g1", "g2", "g3"]


def drawn(seed=1):
    """Four genes, the second a curve of the first, and these two as amounts, one above zero, one of few values."""
    rng = np.random.default_rng([95, seed])
    Z = rng.standard_normal((4, N))
    Z[1] = 2.0 * np.tanh(1.5 * Z[0]) + 0.6 * Z[1]
    amounts = np.expm1(Z[:2] - Z[:2].min(axis=1, keepdims=True))
    return Z, np.vstack([amounts, Z[2] + 9.0, np.round(np.exp(Z[3]))])


def logged(X):
    """The first two genes as logarithms."""
    return np.vstack([np.log1p(X[:2]), X[2:]])


def test_amounts_alone_are_taken_to_logarithms_and_the_record_says_which(bench):
    X = drawn()[1]
    taken, plain = bench.task(X, GRAN_DAG), bench.task(logged(X))
    np.testing.assert_allclose(taken.scaled.Z, plain.scaled.Z, atol=1e-6)
    np.testing.assert_allclose((taken.scaled.mean, taken.scaled.scale), (plain.scaled.mean, plain.scaled.scale))
    assert _amounts(taken.data) == {"amounts": {"number": 2, "genes": ["g0", "g1"]}}
    assert "2 of 4 genes (g0, g1)" in taken.data.warnings[-1]
    assert taken.data.store.digest == bench.store(X).digest
    again = bench.task(taken.data, GRAN_DAG).data  # as a session begins anew without hidden causes
    np.testing.assert_array_equal(again.store.block(0, 4), taken.data.store.block(0, 4))
    as_they_are = bench.task(X, Config.from_mapping({"model": "gran_dag", "gran_dag": {"noise": "constant"}}))
    assert (_amounts(as_they_are.data), as_they_are.data.warnings) == ({}, ())


def test_gran_dag_learns_from_amounts_what_it_learns_from_their_logarithms():
    X = drawn()[1][:3]
    config = {"model": "gran_dag", "fit": {"relax": False}}
    nets = [learn(values.T, n_resamples=0, random_state=3, config=config) for values in (X, logged(X))]
    assert [set(zip(net.source.tolist(), net.target.tolist(), strict=True)) for net in nets] == [{(0, 1)}] * 2
    numbers = ["r2", "noise_scale", "lowest"]  # where a knock-out puts a gene
    np.testing.assert_allclose(nets[0].nodes[numbers], nets[1].nodes[numbers], rtol=1e-6)
    assert nets[0].facts["model"]["amounts"]["genes"] == nets[0].genes[:2]


def test_parts_of_the_data_have_the_logarithms_of_the_whole(bench):
    """Of 18 observations one is more than a twentieth, so that every value would pass for one that returns."""
    X = drawn()[1][:, :36]
    data = bench.task(X, GRAN_DAG).data
    rows = np.arange(0, 36, 2)
    half = data.subset(rows=rows, genes=np.array([1, 2]))
    np.testing.assert_allclose(half.store.block(0, 2), logged(X)[1:3, rows])


def test_what_was_done_to_a_gene_does_not_say_whether_it_is_an_amount(bench):
    X = drawn()[1]
    label = np.where(np.arange(N) < N // 10, "g1", "NT")
    X[1, : N // 10] = 0.0
    store = MemoryStore(X, NAMES, obs_columns=pd.DataFrame({"guide": label}))
    assert bench.task(store, ACTED).data.amounts == ("g0", "g1")
    X[1, 0] = -0.5  # of which there is no logarithm
    assert bench.task(MemoryStore(X, NAMES, obs_columns=store.obs_columns), ACTED).data.amounts == ("g0",)


def test_treatments_of_targets_that_are_not_measured_are_told_as_of_logarithms(bench):
    X = drawn()[1]
    label = np.repeat(["g0", "DRUG", "NT"], [40, 60, N - 100])
    X[0, :40] = 0.0
    X[1, 40:100] *= 3.0
    obs = pd.DataFrame({"guide": label})
    of_lines = Config.from_mapping({"model": "mlp", "input": {"perturbation": "guide", "control": "NT"}})
    none = SimpleNamespace(gene=np.empty(0, int), effect=np.empty((0, 4)))
    taken, given = (
        treatments_table(bench.task(MemoryStore(values, NAMES, obs_columns=obs), config), none)
        for values, config in ((X, ACTED), (logged(X), of_lines))
    )
    assert taken["targets"].tolist() == given["targets"].tolist()
    assert {"g0", "DRUG"} <= set(taken["targets"])
    for one, other in zip(taken["change"], given["change"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_sparse_slabs_hold_the_logarithms_that_blocks_do():
    X = sp.random(5, 30, 0.6, format="csr", random_state=3)
    store = with_logarithms(MemoryStore(X, [f"g{j}" for j in range(5)]), ["g1", "g4"])
    expected = X.toarray().astype(np.float32)
    expected[[1, 4]] = np.log1p(expected[[1, 4]])
    np.testing.assert_allclose(store.block(0, 5), expected, rtol=1e-6)
    np.testing.assert_allclose(store.rows([4, 0]), expected[[4, 0]], rtol=1e-6)
    assert store.slabs is not None
    np.testing.assert_allclose(np.hstack([slab.toarray() for slab in store.slabs()]), expected, rtol=1e-6)


def test_other_observations_are_taken_to_the_logarithms_of_the_network():
    anndata = pytest.importorskip("anndata")
    X = drawn()[1]
    facts = {"config": {}, "prepare": {"steps": []}, "model": {"amounts": {"genes": ["g0", "g1"]}}}
    adata = anndata.AnnData(X.T.copy(), var=pd.DataFrame(index=NAMES))
    np.testing.assert_allclose(prepare_alike(adata, facts, NAMES), logged(X).T, rtol=1e-5)


def test_groups_learned_together_and_what_they_share_take_the_same_logarithms():
    """The first is an amount in both groups, the second in one alone, so that it is learned from as it is in both."""
    X = drawn()[1][:3]
    X[1, N // 2 :] = drawn()[0][1, N // 2 :] + 9.0
    groups = np.repeat(["A", "B"], N // 2)
    config = {"model": "gran_dag", "fit": {"relax": False}, "input": {"joint": True}}
    found = learn(X.T, groups=groups, n_resamples=0, random_state=3, config=config)
    given = learn(np.vstack([np.log1p(X[0]), X[1:]]).T, groups=groups, n_resamples=0, random_state=3, config=config)
    for one, other in zip((found.shared, *found.values()), (given.shared, *given.values()), strict=True):
        assert one.facts["model"]["amounts"]["genes"] == one.genes[:1]
        assert "amounts" not in other.facts["model"]
        pd.testing.assert_frame_equal(one.edges, other.edges, rtol=1e-5)
    numbers = found.differential.select_dtypes("number").columns
    np.testing.assert_allclose(found.differential[numbers], given.differential[numbers], rtol=1e-4)
