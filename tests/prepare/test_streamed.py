"""Files that are read slab by slab give what they give in memory, however they are packed and read."""

import errno
import os
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.core.data import standardized
from acyclome.errors import InputError
from acyclome.evaluate.atlas import Atlas
from acyclome.io import slabs, store, store_writer
from acyclome.io.expression import open_expression
from acyclome.io.growing import write_rows
from acyclome.io.store import Store
from acyclome.prepare import copies, prepare, prepare_to_store, structure
from acyclome.prepare.copies import find_copies
from acyclome.prepare.matrix import Draft
from acyclome.prepare.streamed import Streamed

N, D = 300, 1_500  # so many that totals suffice


@pytest.fixture(scope="module")
def adata():
    X = sp.vstack(list(Atlas.draw(D, filled=0.2, seed=2).blocks(N)), format="csr")
    obs = pd.DataFrame({"type": np.where(np.arange(N) % 3, "a", "b")}, index=[f"C{k}" for k in range(N)])
    return anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=[f"G{k}" for k in range(D)]))


@pytest.fixture
def small_slabs(monkeypatch):
    """Slabs of 64 observations, and everything is large."""
    monkeypatch.setattr(standardized, "HELD_BYTES", 1_000)
    for module in (slabs, store, store_writer):
        monkeypatch.setattr(module, "SLAB", 64)


def written(adata, folder, packed):
    path = folder / f"{packed}.{'zarr' if packed == 'zarr' else 'h5ad'}"
    if not path.exists() and packed == "zarr":
        write_rows(path, iter([adata.X]), obs=adata.obs, var=adata.var, uns={})
    elif not path.exists():
        X = sp.csc_matrix(adata.X) if packed == "csc" else adata.X
        anndata.AnnData(X, obs=adata.obs, var=adata.var).write_h5ad(path)
    return path


OPTIONS = {
    "plain": {},
    "variable": {"prepare": {"n_top_genes": 90}},
    "group": {"input": {"group_by": "type", "group": "a"}},
    "ranks": {"prepare": {"transform": "rank"}},
}


@pytest.mark.parametrize("asked", OPTIONS.values(), ids=OPTIONS)
def test_a_file_read_by_slabs_gives_what_it_gives_in_memory(adata, asked, small_slabs, tmp_path):
    config, out = Config.from_mapping(asked), tmp_path / "prepared.h5"
    facts = prepare_to_store(written(adata, tmp_path, "csr"), out, config)
    expected = prepare(adata, config)
    with Store.open(out) as found:
        assert found.genes == expected.genes
        assert found.observations == expected.observations
        np.testing.assert_array_equal(found.block(0, found.n_vars), expected.X.toarray())
        assert [slab.shape[1] for slab in found.slabs()][:2] == [64, 64]
    said = [{**step, "what": ""} if step["step"] == "read" else step for step in expected.facts["steps"]]
    assert [{**step, "what": ""} if step["step"] == "read" else step for step in facts["steps"]] == said
    assert facts["warnings"] == expected.facts["warnings"]


def test_digests_depend_neither_on_the_packing_nor_on_how_much_is_read_at_once(
    adata, small_slabs, tmp_path, monkeypatch
):
    digests = set()
    for size, packed in ((500, "csr"), (7_000, "csc"), (2**24, "zarr"), (2**24, "csr")):
        monkeypatch.setattr(slabs, "_READ", size)
        path = written(adata, tmp_path, packed)
        digests.add(prepare_to_store(path, tmp_path / "prepared.h5", Config())["digest"])
    assert len(digests) == 1


def test_nothing_is_held_on_the_way(adata, small_slabs, tmp_path, monkeypatch):
    held = Streamed.held

    def few(X):
        assert X.shape[0] < 1_000, "all of it is in memory"
        return held(X)

    monkeypatch.setattr(Streamed, "held", few)
    path = written(adata, tmp_path, "csr")
    assert prepare_to_store(path, tmp_path / "prepared.h5", Config())["n_vars"] > 1_000


def test_sums_are_those_of_the_whole(adata, small_slabs, tmp_path):
    X = open_expression(written(adata, tmp_path, "csr")).X
    found = Streamed(slabs.slab_reader(X), N, np.arange(D))[np.arange(0, D, 3)]
    whole = adata.X[:, np.arange(0, D, 3)].toarray().T
    np.testing.assert_array_equal(found.held().toarray(), whole)
    np.testing.assert_array_equal(found[:, [3, 70, 299]].toarray(), whole[:, [3, 70, 299]])
    known, cells = found.of_genes, found.of_cells
    np.testing.assert_array_equal(known.total, whole.sum(axis=1))
    np.testing.assert_array_equal(known.high, whole.max(axis=1))
    np.testing.assert_array_equal(known.low, whole.min(axis=1))
    np.testing.assert_array_equal(cells.total, whole.sum(axis=0))
    few = whole.max(axis=1) < 20
    np.testing.assert_allclose(known.raised[few], np.expm1(whole[few].astype(float)).sum(axis=1))


def test_copies_are_found_in_one_go_however_many_are_near(adata, small_slabs, monkeypatch):
    X = sp.csr_matrix(sp.hstack([adata.X[:, :40], 3 * adata.X[:, 10:20], adata.X[:, :5]]))
    goes = []
    found = Streamed(lambda: goes.append(1) or iter([X]), N, np.arange(X.shape[1]))
    first = find_copies(found)
    np.testing.assert_array_equal(first, [*range(40), *range(10, 20), *range(5)])
    assert len(goes) == 2  # the sums, and the genes that are near
    monkeypatch.setattr(copies, "BLOCK", 500)  # values, so that some are read pair by pair
    np.testing.assert_array_equal(find_copies(found), first)


def test_nothing_is_read_for_columns_of_which_none_may_explain(adata):
    def refuse():
        raise AssertionError("the values were read")

    named = Draft(Streamed(refuse, N, np.arange(D)), np.array(adata.var_names), adata.obs[[]], "counts")
    assert structure.explaining(named, None, ()) == {}
    with pytest.raises(AssertionError, match="were read"):
        structure.explaining(replace(named, obs=adata.obs), None, ())


def test_slabs_are_in_order_without_zeros_and_leave_their_matrix_as_it_was(adata, small_slabs):
    X = adata.X.copy()
    X.data[::7] = 0
    X.indices[:2] = X.indices[1::-1]
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    found = list(slabs._cut(iter([X[:10], X[10:200], X[200:]])))
    assert [slab.shape[0] for slab in found] == [64, 64, 64, 64, 44]
    assert all(slab.has_canonical_format and slab.data.all() for slab in found)
    np.testing.assert_array_equal(sp.vstack(found).toarray(), X.toarray())
    for part, old in zip((X.data, X.indices, X.indptr), before, strict=True):
        np.testing.assert_array_equal(part, old)


def test_a_disk_that_is_full_is_said_and_nothing_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def columns():
        yield 0, sp.csc_matrix(np.ones((4, 2), np.float32))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match="No space left"):
        next(slabs.Dealt(columns, (4, 3))())
    assert list(tmp_path.iterdir()) == []


def test_what_was_dealt_out_goes_with_its_matrix(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dealt = slabs.Dealt(lambda: iter([(0, sp.csc_matrix(np.eye(4, 3, dtype=np.float32)))]), (4, 3))
    np.testing.assert_array_equal(next(dealt()).toarray(), np.eye(4, 3))
    assert len(list(tmp_path.iterdir())) == 1
    del dealt
    assert list(tmp_path.iterdir()) == []
