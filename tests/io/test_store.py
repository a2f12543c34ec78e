"""The gene-major store: what is written comes back, by blocks, whole or not at all."""

import time

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from acyclome.errors import InputError
from acyclome.io.store import MemoryStore, Store, write_store
from acyclome.io.store_part import StorePart

FACTS = {"steps": [{"step": "filter_genes", "genes_dropped": 3}], "transform": "none"}
MATRICES = arrays(
    np.float32,
    st.tuples(st.integers(1, 12), st.integers(1, 9)),
    elements=st.sampled_from([0.0, 0.0, 1.0, -2.5, 3.25]),
)


def named(X):
    return [f"gene{i}" for i in range(X.shape[0])], [f"cell{i}" for i in range(X.shape[1])]


def write_all(path, values, X, facts, obs=None):
    """Write values, whole or in blocks, under the names of a matrix."""
    genes, observations = named(X)
    return write_store(path, values, genes, observations=observations, facts=facts, obs_columns=obs)


def expression(d=30, n=11, seed=5, density=0.3):
    return sp.random(d, n, density, format="csr", dtype=np.float32, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("is_sparse", [True, False])
@settings(max_examples=15)
@given(X=MATRICES, cut=st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_a_block_is_the_slice_it_names(tmp_path_factory, is_sparse, X, cut):
    path = tmp_path_factory.mktemp("store") / "prepared.h5"
    genes, observations = named(X)
    write_store(path, sp.csr_matrix(X) if is_sparse else X, genes, observations=observations, facts=FACTS)
    a, b = sorted(min(edge, len(X)) for edge in cut)
    with Store.open(path) as store:
        assert store.is_sparse is is_sparse
        assert (store.genes, store.observations, store.facts) == (genes, observations, FACTS)
        for found in (store.block(a, b), MemoryStore(X, genes, observations).block(a, b)):
            np.testing.assert_array_equal(found, X[a:b])
            assert found.dtype == np.float32
            assert found.flags.c_contiguous
            assert found.flags.writeable


@pytest.mark.parametrize("is_sparse", [True, False])
def test_rows_come_in_the_order_asked_for(tmp_path, is_sparse):
    X = expression()
    X = X if is_sparse else X.toarray()
    write_all(tmp_path / "s.h5", X, X, FACTS)
    index = [7, 8, 9, 2, 29, 2]
    store = Store.open(tmp_path / "s.h5")
    expected = (X.toarray() if is_sparse else X)[index]
    np.testing.assert_array_equal(store.rows(index), expected)
    np.testing.assert_array_equal(MemoryStore(X, *named(X)).rows(index), expected)
    assert store.rows([]).shape == (0, 11)


@pytest.mark.parametrize("is_sparse", [True, False])
def test_blocks_give_the_same_file_and_digest_as_the_whole(tmp_path, is_sparse):
    X = expression()
    X = X if is_sparse else X.toarray()
    whole = write_all(tmp_path / "whole.h5", X, X, FACTS)
    blocks = write_all(tmp_path / "blocks.h5", (X[a : a + 7] for a in range(0, 30, 7)), X, FACTS)
    assert whole == blocks == Store.open(tmp_path / "whole.h5").digest == MemoryStore(X, *named(X)).digest
    again = write_all(tmp_path / "again.h5", X, X, FACTS)
    assert again == whole
    assert (tmp_path / "again.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_the_digest_sees_values_places_and_names(tmp_path):
    X = expression()
    genes, observations = named(X)
    other, moved = X.copy(), X.copy()
    other.data[3] += 1
    moved.indices[0] = (set(range(11)) - set(moved[0].indices)).pop()
    digests = [
        MemoryStore(X, genes, observations).digest,
        MemoryStore(other, genes, observations).digest,
        MemoryStore(moved, genes, observations).digest,
        MemoryStore(X, genes[::-1], observations).digest,
        MemoryStore(X, genes, observations[::-1]).digest,
    ]
    assert len(set(digests)) == len(digests)


def test_annotations_of_the_observations_come_back(tmp_path):
    X = expression()
    obs = pd.DataFrame({"batch": pd.Categorical(["a", "b"] * 5 + ["a"]), "depth": np.arange(11.0)}, index=named(X)[1])
    write_all(tmp_path / "s.h5", X, X, FACTS, obs)
    with Store.open(tmp_path / "s.h5") as store:
        pd.testing.assert_frame_equal(store.obs_columns, obs, check_names=False)
    write_all(tmp_path / "bare.h5", X, X, FACTS)
    assert Store.open(tmp_path / "bare.h5").obs_columns is None


def test_facts_may_be_longer_than_an_attribute_of_hdf5(tmp_path):
    facts = {"genes": [f"a rather long name {i}" for i in range(20_000)]}
    X = expression()
    write_all(tmp_path / "s.h5", X, X, facts)
    assert Store.open(tmp_path / "s.h5").facts == facts


def test_a_failing_writer_leaves_the_earlier_file_and_nothing_else(tmp_path):
    X = expression()
    digest = write_all(tmp_path / "s.h5", X, X, FACTS)

    def broken():
        yield X[:10]
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_all(tmp_path / "s.h5", broken(), X, FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["s.h5"]
    assert Store.open(tmp_path / "s.h5").digest == digest


@pytest.mark.parametrize("is_sparse", [True, False])
@pytest.mark.parametrize("rows", [slice(0, 20), slice(0, 30)])
def test_names_and_values_must_agree_in_number(tmp_path, is_sparse, rows):
    X = expression()
    X = X if is_sparse else X.toarray()
    genes, observations = named(X[:25])
    with pytest.raises(InputError, match="25 genes"):
        write_store(tmp_path / "s.h5", X[rows], genes, observations=observations, facts=FACTS)
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(tmp_path):
    import h5py

    with pytest.raises(InputError, match=r"acyclome prepare"):
        Store.open(tmp_path / "absent.h5")
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle.attrs["encoding-type"] = "anndata"
    with pytest.raises(InputError, match=r"holds anndata.*expected acyclome-store"):
        Store.open(tmp_path / "other.h5")


def test_a_store_whose_attributes_cannot_be_read_is_damaged(tmp_path):
    path, X = tmp_path / "s.h5", expression()
    write_all(path, X, X, FACTS)
    path.write_bytes(path.read_bytes().replace(b"GCOL", b"XXXX"))  # the heap in which HDF5 keeps texts
    with pytest.raises(InputError, match="damaged"):
        Store.open(path)


def test_a_damaged_table_of_observations_is_refused_where_it_is_asked_for(tmp_path):
    import h5py

    X = expression()
    write_all(tmp_path / "s.h5", X, X, FACTS, pd.DataFrame({"depth": np.arange(11.0)}, index=named(X)[1]))
    for damage in (lambda table: table.pop("depth"), lambda table: table.attrs.pop("encoding-type")):
        with h5py.File(tmp_path / "s.h5", "r+") as handle:
            damage(handle["obs"])
        with Store.open(tmp_path / "s.h5") as store, pytest.raises(InputError, match=r"damaged.*prepare. again"):
            store.obs_columns  # noqa: B018


def test_a_range_outside_the_store_is_an_error(tmp_path):
    X = expression()
    write_all(tmp_path / "s.h5", X, X, FACTS)
    with pytest.raises(IndexError, match="30"):
        Store.open(tmp_path / "s.h5").block(25, 31)


def test_a_block_reads_in_milliseconds(tmp_path):
    X = expression(20_000, 500, density=0.05)
    write_all(tmp_path / "s.h5", X, X, FACTS)
    store = Store.open(tmp_path / "s.h5")
    best = min(timed(lambda: store.block(5_000, 5_500)) for _ in range(5))
    assert best < 0.05


def timed(work):
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.fixture
def slabs(tmp_path, monkeypatch):
    """Expression as a store in slabs of four observations, and as it was."""
    from acyclome.io import store as reading
    from acyclome.io import store_writer

    monkeypatch.setattr(store_writer, "SLAB", 4)
    monkeypatch.setattr(reading, "SLAB", 4)
    X = expression()
    genes, observations = named(X)
    parts = store_writer.slabs_of(X)
    write_store(tmp_path / "s.h5", parts, genes, observations=observations, facts=FACTS, in_slabs=True)
    with Store.open(tmp_path / "s.h5") as store:
        yield X.toarray(), store


def test_a_store_in_slabs_gives_the_same_blocks(slabs):
    X, store = slabs
    np.testing.assert_array_equal(store.block(3, 17), X[3:17])
    np.testing.assert_array_equal(store.rows([9, 2]), X[[9, 2]])


def test_slabs_put_together_are_the_whole(slabs):
    X, store = slabs
    assert store._handle.attrs["encoding-version"] == "2"  # so that earlier versions say what they do not know
    assert [slab.shape[1] for slab in store.slabs()] == [4, 4, 3]
    np.testing.assert_array_equal(sp.hstack(list(store.slabs())).toarray(), X)
    genes, rows = np.array([1, 5, 20]), np.array([0, 3, 4, 10])
    part = StorePart(store, genes=genes, rows=rows)
    np.testing.assert_array_equal(sp.hstack(list(part.slabs())).toarray(), X[genes][:, rows])
    np.testing.assert_array_equal(part.block(0, 3), X[genes][:, rows])


def test_slabs_that_do_not_fit_are_refused_when_they_are_written(tmp_path):
    X = expression()
    genes, observations = named(X)
    with pytest.raises(InputError, match="30 genes"):
        write_store(tmp_path / "s.h5", [X[:, :5]], genes, observations=observations, facts=FACTS, in_slabs=True)
    assert not list(tmp_path.iterdir())
