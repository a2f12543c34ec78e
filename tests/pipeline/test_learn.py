"""What ``learn`` takes and refuses: tables, matrices of every sparse form, labels, regulators, devices."""

import importlib
import os

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import acyclome as ac
from acyclome.core.data import standardized
from acyclome.errors import EarlierNameWarning, InputError

N_OBS, N_GENES = 50, 6
module = importlib.import_module("acyclome.pipeline.learn")  # acyclome.pipeline has a function of this name
GENES = [f"G{j}" for j in range(N_GENES)]


@pytest.fixture(scope="module")
def X():
    rng = np.random.default_rng(41)
    values = rng.normal(size=(N_OBS, N_GENES))
    values[:, 1] += values[:, 0]
    values[np.abs(values) < 0.5] = 0.0
    values.flags.writeable = False
    return values


def learn(X, *args, **options):
    return ac.learn(X, *args, **{"resamples": 0, "threads": 1, **options})


def test_columns_of_a_table_are_the_genes(X):
    table = pd.DataFrame(X, columns=GENES)
    pd.testing.assert_frame_equal(learn(table).edges, learn(X, GENES).edges)
    named = learn(table, [f"H{j}" for j in range(N_GENES)])
    assert set(named.genes) == {f"H{j}" for j in range(N_GENES)}


def test_the_earlier_name_of_an_argument_works_and_is_warned_of(X):
    known = pd.DataFrame({"source": ["G1"], "target": ["G0"], "kind": ["forbidden"]})
    with pytest.warns(EarlierNameWarning, match="argument rules is deprecated .* write knowledge"):
        earlier = learn(X, GENES, rules=known)
    pd.testing.assert_frame_equal(earlier.edges, learn(X, GENES, knowledge=known).edges)
    with pytest.warns(EarlierNameWarning), pytest.raises(InputError, match="keep knowledge"):
        learn(X, GENES, rules=known, knowledge=known)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_every_sparse_form_gives_the_network_of_the_dense_matrix(X, form, kind):
    made = getattr(sp, f"{form}_{kind}")(X)
    pd.testing.assert_frame_equal(learn(made, GENES).edges, learn(X, GENES).edges)
    found = learn(made, GENES, groups=["a", "b"] * (N_OBS // 2))
    assert list(found) == ["a", "b"]


@pytest.fixture
def elsewhere(X, tmp_path):
    """Return a way to put a matrix, of values of zero and above, into an h5ad or an array of dask."""

    def put(kind, values):
        if kind == "dask":
            array = pytest.importorskip("dask.array")
            parts = [values[a : a + 20] for a in range(0, N_OBS, 20)]
            return array.concatenate([array.from_array(p, chunks=p.shape, asarray=False) for p in parts])
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.h5ad"
        anndata.AnnData(values).write_h5ad(path)
        return anndata.read_h5ad(path, backed="r").X

    return put


def test_what_is_elsewhere_and_no_matrix_is_refused(tmp_path):
    array = pytest.importorskip("dask.array")
    with h5py.File(tmp_path / "a.h5", "w") as file, pytest.raises(InputError, match="X is of the type Group"):
        learn(file.create_group("X"))
    counted = array.ones((20, 3), chunks=10)
    with pytest.raises(InputError, match="compute_chunk_sizes"):
        learn(counted[counted[:, 0] > 0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"threads": "2"}, "threads = '2'; expected a whole number"),
        ({"threads": 0}, "threads = 0; expected a whole number"),
        ({"genes": "abcd"}, "genes is one text"),
        ({"genes": 3}, "genes is of the type int. Expected a name for each"),
        ({"regulators": 3}, "regulators is of the type int. Expected a list of genes"),
        ({"perturbation": 3}, "perturbation is of the type int. Expected one for each observation"),
        (
            {"config": {"resample.resamples": 0}},
            "written as one name; write it below its section, resample: {resamples",
        ),
        ({"X": [[1.0, 2.0]] * 20}, r"type list.* numpy\.asarray"),
        ({"X": "cells.csv"}, r"type str.*pandas\.read_csv"),
    ],
)
def test_what_is_of_another_kind_is_refused_with_a_way(X, given, says):
    with pytest.raises(InputError, match=says):
        learn(**{"X": X, **given})


@pytest.mark.parametrize("kind", ["dask", "backed"])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_what_is_not_in_memory_gives_the_network_of_what_is(X, elsewhere, kind, is_sparse):
    values = sp.csr_matrix(X, dtype=np.float32) if is_sparse else X.astype(np.float32)
    there = elsewhere(kind, values)
    pd.testing.assert_frame_equal(learn(there, GENES).edges, learn(values, GENES).edges)
    groups = {"groups": ["a"] * 20 + ["b"] * 30}
    one, other = learn(there, GENES, **groups), learn(values, GENES, **groups)
    pd.testing.assert_frame_equal(one["b"].edges, other["b"].edges)


@pytest.mark.parametrize("kind", ["dask", "backed"])
def test_large_sparse_matrices_are_read_slab_by_slab(X, elsewhere, kind, monkeypatch):
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    values = sp.csr_matrix(np.maximum(X, 0.0), dtype=np.float32)
    there, here = elsewhere(kind, values), learn(values, GENES)
    for road in ("to_memory", "transposed"):
        monkeypatch.setattr(module, road, lambda *_: pytest.fail("all of it is in memory"))
    pd.testing.assert_frame_equal(learn(there, GENES).edges, here.edges)
    groups = learn(there, GENES, groups=["a"] * 20 + ["b"] * 30)
    assert list(groups) == ["a", "b"]
    flat = sp.csr_matrix(values.toarray() * (np.arange(N_GENES) != 2))
    with pytest.raises(InputError, match="1 gene is constant: G2"):
        learn(elsewhere(kind, flat), GENES)


@pytest.mark.parametrize("kind", ["dask", "backed"])
def test_values_that_slabs_do_not_deal_with_are_refused_as_in_memory(X, elsewhere, kind, monkeypatch):
    monkeypatch.setattr(standardized, "HELD_BYTES", 0)
    values = sp.csr_matrix(X, dtype=np.float32)
    values.data[5] = np.nan
    with pytest.raises(InputError) as there:
        learn(elsewhere(kind, values), GENES)
    with pytest.raises(InputError) as here:
        learn(values, GENES)
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda X: X.tolist(),
        lambda X: X[:, 0],
        lambda X: X[None],
        lambda X: X.astype(complex),
        lambda X: X.astype(object),
        lambda X: X.astype(str),
        lambda X: pd.DataFrame(X).assign(cell="T"),
    ],
    ids=["list", "one dimension", "three dimensions", "complex", "object", "text", "table with text"],
)
def test_what_is_no_matrix_of_numbers_is_refused(X, make):
    with pytest.raises(InputError, match="Expected"):
        learn(make(X))


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_observations_without_a_label_are_refused(X, missing):
    labels = pd.Series(["a", "b"] * (N_OBS // 2), dtype=object)
    labels[[3, 7]] = missing
    with pytest.raises(InputError, match="2 of 50 observations have no label in groups"):
        learn(X, GENES, groups=labels)


def test_regulators_come_from_a_list_or_a_file(X, tmp_path):
    (tmp_path / "tf.txt").write_text("G0\nG4\n")
    listed = learn(X, GENES, regulators=["G0", "G4"]).edges
    for source in (tmp_path / "tf.txt", str(tmp_path / "tf.txt"), np.array(["G0", "G4"])):
        pd.testing.assert_frame_equal(learn(X, GENES, regulators=source).edges, listed)


def test_one_name_is_no_list_of_regulators(X):
    from anndata import AnnData

    said = r"'G0'.*\['G0'\]"
    adata = AnnData(np.abs(X), var=pd.DataFrame(index=GENES))
    with pytest.raises(InputError, match=said):
        learn(X, GENES, regulators="G0")
    with pytest.raises(InputError, match=said):
        ac.tl.dag(adata, regulators="G0")


def test_a_device_that_does_not_exist_is_refused(X):
    with pytest.raises(InputError, match=r"'gpu'.*auto, cpu or cuda"):
        learn(X, GENES, device="gpu")


def test_all_processors_of_this_process_are_used_unless_told_otherwise(X, monkeypatch):
    from anndata import AnnData

    from acyclome.pipeline import session

    seen = []
    real = session.Session.learn
    monkeypatch.setattr(session.Session, "learn", lambda self: seen.append(self.task.runtime.threads) or real(self))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    learn(X, GENES, threads=None)
    adata = AnnData(X.copy(), var=pd.DataFrame(index=GENES))
    ac.tl.dag(adata, resamples=0, config={"prepare": {"normalize": False, "log": False, "min_cells": 0}})
    assert seen == [1, 1]
