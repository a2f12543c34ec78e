"""Sparse matrices whose index arrays were changed at random: read as the arrays say, or refused; never a crash.

A new reader of sparse matrices is a line in ``READERS``: a function that writes the three arrays as its program would.
"""

import atexit
import functools
import itertools
import shutil
import tempfile
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.io.test_foreign_files import forget_copies

from acyclome.errors import AcyclomeError, InputError
from acyclome.io import compressed
from acyclome.io.expression import inspect_expression, open_expression
from acyclome.io.matrices import get_matrix, matrix_facts, to_memory

N, D = 12, 5
C = np.random.default_rng(4).poisson(1.2, (N, D)).astype(np.float32)
GENES, CELLS = ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB"], [f"cell_{i}" for i in range(N)]
BOUNDS = (0, 1, -1, D - 1, D, N, N + 1, -(2**31), 2**31 - 1, 2**31, 2**62)


def annotated(make):
    obs, var = pd.DataFrame(index=CELLS), pd.DataFrame(index=GENES)
    adata = anndata.AnnData(make(C), obs=obs, var=var, layers={"counts": make(C)})
    adata.raw = adata.copy()
    return adata


def replace(group, arrays):
    for name, array in arrays.items():
        attributes = dict(group[name].attrs)
        del group[name]
        if hasattr(group, "create_array"):
            group.create_array(name, data=array)
        else:
            group[name] = array
        group[name].attrs.update(attributes)


@functools.cache
def whole(form, ending):
    """Return a file that was written once; every example changes a copy."""
    path = Path(tempfile.mkdtemp()) / f"a.{ending}"
    atexit.register(shutil.rmtree, path.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(annotated(form), f"write_{ending}")(path)
    return path


def in_h5ad(place, form):
    def write(folder, arrays):
        path = shutil.copy(whole(form, "h5ad"), folder / "a.h5ad")
        with h5py.File(path, "a") as handle:
            replace(handle[place], arrays)
        return path

    return write


def in_zarr(place, form):
    def write(folder, arrays):
        import zarr

        path = shutil.copytree(whole(form, "zarr"), folder / "a.zarr")
        forget_copies(path)
        replace(zarr.open_group(path, mode="a", use_consolidated=False)[place], arrays)
        return path

    return write


def in_tenx(folder, arrays):
    path = folder / "a.h5"
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        for name, array in arrays.items():
            group[name] = array
        group["shape"], group["barcodes"] = np.array([D, N]), np.array(CELLS, "S")
        group["features/name"] = group["features/id"] = np.array(GENES, "S")
    return path


# How a file is written, the form of its matrix, and by which name it is read.
READERS = {
    "h5ad csr": (in_h5ad("X", sp.csr_matrix), sp.csr_matrix, "X"),
    "h5ad csc": (in_h5ad("X", sp.csc_matrix), sp.csc_matrix, "X"),
    "h5ad layer": (in_h5ad("layers/counts", sp.csr_matrix), sp.csr_matrix, "counts"),
    "h5ad raw": (in_h5ad("raw/X", sp.csc_matrix), sp.csc_matrix, "raw"),
    "zarr csr": (in_zarr("X", sp.csr_matrix), sp.csr_matrix, "X"),
    "zarr csc": (in_zarr("layers/counts", sp.csc_matrix), sp.csc_matrix, "counts"),
    "10x": (in_tenx, sp.csr_matrix, "X"),
}
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["indices", "indptr", "indptr", "data"]),
        st.sampled_from(["set", "set", "add", "cut", "grow", "swap", "kind", "turn"]),
        st.integers(0, 10**6),
        st.sampled_from(BOUNDS) | st.integers(-3, N + 3),
    ),
    min_size=1,
    max_size=3,
)


def changed(array, change, place, value):
    array = array.copy()
    at = place % max(array.size, 1)
    if change in ("set", "add") and array.size:
        limits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else np.finfo(np.float32)
        whole = value if change == "set" else int(array[at]) + value
        array[at] = min(max(whole, int(limits.min)), int(limits.max))
    elif change == "cut":
        array = array[:at]
    elif change == "grow":
        array = np.concatenate([array, array[: 1 + place % 3]])
    elif change == "swap" and array.size:
        array[[at, 0]] = array[[0, at]]
    elif change == "kind":
        array = array.astype(["f8", "u1", "i8", "u8", "i1", "S3"][place % 6])
    elif change == "turn":
        array = array[::-1].copy()
    return array


def as_the_arrays_say(arrays, form):
    """Return the matrix that three arrays describe, cell by cell, or None where they describe none."""
    data, indices, indptr = (arrays[name] for name in ("data", "indices", "indptr"))
    n_rows, n_columns = (N, D) if form is sp.csr_matrix else (D, N)
    if indices.dtype.kind not in "iu" or indptr.dtype.kind not in "iu" or data.dtype.kind not in "biuf":
        return None
    if len(indptr) != n_rows + 1 or len(data) != len(indices) or indptr[0] != 0 or int(indptr[-1]) != len(data):
        return None
    if any(a > b for a, b in itertools.pairwise(indptr.tolist())):
        return None
    X = np.zeros((n_rows, n_columns))
    for row in range(n_rows):
        places = range(int(indptr[row]), int(indptr[row + 1]))
        columns = [int(indices[at]) for at in places]
        if len(set(columns)) < len(columns) or any(not 0 <= column < n_columns for column in columns):
            return None
        X[row, columns] = [float(data[at]) for at in places]
    return X if form is sp.csr_matrix else X.T


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=15)
@given(changes=CHANGES)
def test_changed_index_arrays_are_read_as_they_say_or_refused(reader, tmp_path_factory, changes):
    write, form, name = READERS[reader]
    arrays = {part: getattr(form(C), part) for part in ("data", "indices", "indptr")}
    for part, change, place, value in changes:
        if arrays[part].dtype.kind != "S":
            arrays[part] = changed(arrays[part], change, place, value)
    path = write(tmp_path_factory.mktemp("file"), arrays)
    expected = as_the_arrays_say(arrays, form)
    try:
        inspect_expression(path)
        matrix = get_matrix(open_expression(path), name)[0]
        matrix_facts(name, matrix)
        found = to_memory(matrix)
    except AcyclomeError:
        assert expected is None
    else:
        np.testing.assert_array_equal(found.toarray() if sp.issparse(found) else found, expected)


def arrays_of(**changes):
    S = sp.csr_matrix(C)
    return {"data": S.data, "indices": S.indices, "indptr": S.indptr, **changes}


def raised(array, at, value):
    return np.concatenate([array[:at], [value], array[at + 1 :]])


S = sp.csr_matrix(C)
FAULTS = {
    "an index beyond": ({"indices": raised(S.indices, 3, D)}, f"indices run from 0 to {D} for {D} columns"),
    "an index below": ({"indices": raised(S.indices, 3, -1)}, "indices run from -1"),
    "an index given twice": ({"indices": np.zeros_like(S.indices)}, "a row stores a column twice"),
    "rows that are missing": ({"indptr": S.indptr[:-1]}, f"indptr has {N} entries for {N} rows"),
    "starts that fall": ({"indptr": raised(S.indptr, 2, len(S.data))}, "indptr falls"),
    "starts that fall, unsigned": ({"indptr": raised(S.indptr, 2, len(S.data)).astype(np.uint8)}, "indptr falls"),
    "a start that is not 0": ({"indptr": raised(S.indptr, 0, 1)}, "indptr runs from 1"),
    "an end beyond": ({"indptr": raised(S.indptr, N, 2**40)}, f"to {2**40}"),
    "values without indices": ({"indices": S.indices[:-1]}, "values and"),
    "indices of fractions": ({"indices": S.indices.astype(float)}, "indices holds float64"),
    "text for values": ({"data": S.data.astype("S4")}, "data holds |S4"),
    "values in two dimensions": ({"data": S.data[None]}, "in 2 dimensions"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_of_an_index_array_is_named(fault):
    changes, said = FAULTS[fault]
    arrays = arrays_of(**changes)
    with pytest.raises(InputError) as caught:
        compressed.build((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(N, D), name="X")
    assert said in str(caught.value)
    assert "matrix X is damaged" in str(caught.value)


def test_indices_out_of_order_are_allowed_and_blocks_do_not_matter(monkeypatch):
    arrays = arrays_of(indices=np.concatenate([S.indices[a:b][::-1] for a, b in itertools.pairwise(S.indptr)]))
    arrays["data"] = np.concatenate([S.data[a:b][::-1] for a, b in itertools.pairwise(S.indptr)])
    for size in (1, 3, 2**24):
        monkeypatch.setattr(compressed, "_CHUNK", size)
        built = compressed.build((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(N, D), name="X")
        np.testing.assert_array_equal(built.toarray(), C)
        compressed.check("X", sp.csc_matrix(C))
