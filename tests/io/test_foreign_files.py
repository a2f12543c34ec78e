"""Files of other programs and other versions: read without what is not needed, and said so, or refused with the cause.

A table of situations, which the author of a new reader extends by a function and a line.
"""

import gzip
import json
import os
import warnings

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.io import mmwrite

from acyclome.errors import AcyclomeError
from acyclome.io.expression import inspect_expression, open_expression
from acyclome.io.matrices import get_matrix, to_memory
from acyclome.prepare import prepare

N, D = 30, 6
GENES = ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB", "TAL1"]
CELLS = [f"AAACCCAAGAAA{'ACGT'[i % 4]}{'ACGT'[i // 4 % 4]}{'ACGT'[i // 16]}-1" for i in range(N)]
C = np.random.default_rng(5).poisson(3.0, (N, D)).astype(np.float32)
TEXT = h5py.string_dtype()


def annotated(X=C, **columns):
    return anndata.AnnData(X, obs=pd.DataFrame(columns, index=CELLS), var=pd.DataFrame(index=GENES))


def h5ad(folder, name="a.h5ad", adata=None):
    # From 0.13 on anndata writes texts with gaps of itself; before, where it is told to.
    with warnings.catch_warnings(), anndata.settings.override(allow_write_nullable_strings=True):
        warnings.simplefilter("ignore")
        (annotated(ok=["a"] * N) if adata is None else adata).write_h5ad(folder / name)
    return folder / name


def changed(folder, change, adata=None):
    path = h5ad(folder, adata=adata)
    with h5py.File(path, "a") as handle:
        for axis in (handle["obs"], handle["var"]):  # names that are no array, as anndata writes them from 0.13 on
            if "values" in axis["_index"]:
                axis.move("_index/values", "names")
                del axis["_index"]
                axis.move("names", "_index")
        change(handle)
    return path


def column_of_the_future(handle):
    handle["obs"]["new"] = np.zeros(N)
    handle["obs/new"].attrs.update({"encoding-type": "future-array", "encoding-version": "9.0.0"})
    handle["obs"].attrs["column-order"] = np.array(["ok", "new"], dtype=TEXT)


def layer_of_the_future(handle):
    handle["layers/later"] = np.zeros((N, D))
    group = handle["layers"].create_group("blocks")
    group.attrs.update({"encoding-type": "bsr_matrix", "encoding-version": "0.1.0"})
    del handle["layers/later"]


def layer_of_another_shape(handle):
    handle["layers/small"] = np.ones((3, 4))


def layers_that_are_an_array(handle):
    del handle["layers"]
    handle.create_dataset("layers", (10**9,), "f4", chunks=(100,))


def layer_with_a_slash(handle):
    handle["layers/RNA/counts"] = C + 1


def broken_raw(handle):
    handle.create_group("raw").create_group("X")


def no_encoding(handle):
    for key in ("encoding-type", "encoding-version"):
        del handle["var"].attrs[key]
        del handle.attrs[key]


def numbered_genes(column):
    def change(handle):
        names = handle["var"]["_index"][:]
        del handle["var"]["_index"]
        handle["var"]["_index"] = np.array([str(i) for i in range(D)], dtype=TEXT)
        handle["var"][column] = names
        for name in ("_index", column):
            handle["var"][name].attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
        handle["var"].attrs["column-order"] = np.array([column], dtype=TEXT)

    return change


def names_with_gaps(handle):
    """Names as anndata writes them from version 0.13 on, beside a column that cannot be read."""
    for key in ("obs", "var"):
        names = handle[key]["_index"][:]
        del handle[key]["_index"]
        group = handle[key].create_group("_index")
        group.attrs.update({"encoding-type": "nullable-string-array", "encoding-version": "0.1.0", "na-value": "NaN"})
        group["values"], group["mask"] = names, np.zeros(len(names), bool)
        for part, kind in (("values", "string-array"), ("mask", "array")):
            group[part].attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})
    column_of_the_future(handle)


def named_by_categories(folder):
    adata = annotated()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata.obs_names, adata.var_names = pd.CategoricalIndex(CELLS), pd.CategoricalIndex(GENES)
    return h5ad(folder, adata=adata)


def repeated_categories(handle):
    group = handle["obs"].create_group("twice")
    group.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    group["codes"] = np.zeros(N, np.int8)
    group["categories"] = np.array(["a", "a"], dtype=TEXT)
    for name, kind in (("codes", "array"), ("categories", "string-array")):
        group[name].attrs.update({"encoding-type": kind, "encoding-version": "0.2.0"})
    handle["obs"].attrs["column-order"] = np.array(["ok", "twice"], dtype=TEXT)


def mudata(folder, *names):
    with h5py.File(folder / "a.h5mu", "w") as handle:
        handle.attrs["encoding-type"] = "MuData"
        for name in names:
            h5ad(folder, f"{name}.h5ad")
            with h5py.File(folder / f"{name}.h5ad") as other:
                other.copy("/", handle.require_group("mod"), name)
    return folder / "a.h5mu"


def tenx(folder, change=lambda handle: None, name="a.h5"):
    S = sp.csc_matrix(C.T.astype(int))
    with h5py.File(folder / name, "w") as handle:
        group = handle.create_group("matrix")
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(S, part)
        group["shape"], group["barcodes"] = np.array(S.shape), np.array(CELLS, "S")
        for part, values in (("id", [f"ENSG{i:011d}" for i in range(D)]), ("name", GENES)):
            group[f"features/{part}"] = np.array(values, "S")
        group["features/feature_type"] = np.array(["Gene Expression"] * D, "S")
        change(handle)
    return folder / name


def cellbender(handle):
    handle["droplet_latents/cell_probability"] = np.ones(N)
    handle["metadata/estimator"] = "mckp"
    handle["software_version"] = "0.3.0"


def molecules(handle):
    del handle["matrix"]
    handle["barcodes"] = np.array(CELLS, "S")
    handle["count"] = np.ones(9)


def second_genome(handle):
    handle.move("matrix", "GRCh38")
    handle.copy("GRCh38", "mm10")


def lines(path, texts):
    path.write_text("\n".join(texts) + "\n")


def triple(folder, stem="", *, matrix=None, features=None, by_cells=False):
    """Write matrix, features and barcodes, whose names begin with a stem."""
    folder.mkdir(exist_ok=True)
    S = sp.coo_matrix(C if by_cells else C.T)
    mmwrite(folder / (matrix or f"{stem}matrix.mtx"), S.astype(int))
    lines(folder / f"{stem}features.tsv", features or [f"E{i}\t{g}\tGene Expression" for i, g in enumerate(GENES)])
    lines(folder / f"{stem}barcodes.tsv", CELLS)
    return folder / (matrix or f"{stem}matrix.mtx")


def two_prefixes(folder):
    triple(folder, "GSM1_")
    mmwrite(triple(folder, "GSM10_"), sp.coo_matrix(C.T + 9))
    return folder / "GSM1_matrix.mtx"


def em_beside_unique(folder):
    triple(folder)
    mmwrite(folder / "UniqueAndMult-EM.mtx", sp.coo_matrix(C.T + 0.5))
    return folder / "UniqueAndMult-EM.mtx"


def kallisto(folder):
    mmwrite(folder / "cells_x_genes.mature.mtx", sp.coo_matrix(C.astype(int)))
    lines(folder / "cells_x_genes.genes.txt", [f"ENSG{i:011d}.1" for i in range(D)])
    lines(folder / "cells_x_genes.genes.names.txt", GENES)
    lines(folder / "cells_x_genes.barcodes.txt", CELLS)
    return folder / "cells_x_genes.mature.mtx"


def alevin(folder):
    mmwrite(folder / "quants_mat.mtx", sp.coo_matrix(C.astype(int)))
    lines(folder / "quants_mat_cols.txt", GENES)
    lines(folder / "quants_mat_rows.txt", CELLS)
    return folder


def atlas(folder):
    mmwrite(folder / "E-1.aggregated_counts.mtx", sp.coo_matrix(C.T.astype(int)))
    lines(folder / "E-1.aggregated_counts.mtx_rows", [f"{g}\t{g}" for g in GENES])
    lines(folder / "E-1.aggregated_counts.mtx_cols", CELLS)
    return folder / "E-1.aggregated_counts.mtx"


def geo(folder):
    path = triple(folder, "GSM7_a_", matrix="GSM7_a_counts.mtx")
    for file in list(folder.iterdir()):
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    return path.with_name(f"{path.name}.gz")


def added_gene(folder):
    return triple(
        folder, features=[*(f"E{i}\t{g}\tGene Expression" for i, g in enumerate(GENES[:-1])), GENES[-1]]
    ).parent


def quoted(folder):
    return triple(folder, features=[f'"E{i}"\t"{g}"' for i, g in enumerate(GENES)])


def before_anndata_07(folder):
    S = sp.csr_matrix(C)
    with h5py.File(folder / "a.h5ad", "w") as handle:
        for key, names in (("obs", CELLS), ("var", GENES)):
            handle[key] = np.array([(name,) for name in names], dtype=np.dtype([("index", "S20")]))
        group = handle.create_group("X")
        group.attrs.update({"h5sparse_format": "csr", "h5sparse_shape": S.shape})
        for part in ("data", "indices", "indptr"):
            group[part] = getattr(S, part)
        handle.create_group("uns")
    return folder / "a.h5ad"


def of_version_2(group):
    def change(handle):
        handle.move("matrix", group)
        handle.move(f"{group}/features/id", f"{group}/genes")
        handle.move(f"{group}/features/name", f"{group}/gene_names")
        del handle[f"{group}/features"]

    return change


# Read: what is written, and words of the notes.
READ = {
    "a column of the future": (lambda f: changed(f, column_of_the_future), ["'new' of obs", "left out"]),
    "a layer of the future": (lambda f: changed(f, layer_of_the_future), ["layer blocks", "left out"]),
    "layers that are an array": (lambda f: changed(f, layers_that_are_an_array), []),
    "a layer of another shape": (lambda f: changed(f, layer_of_another_shape), ["layer small", "(3, 4)"]),
    "a layer with a slash": (lambda f: changed(f, layer_with_a_slash), []),
    "repeated categories": (lambda f: changed(f, repeated_categories), ["'twice' of obs"]),
    "a raw that is none": (lambda f: changed(f, broken_raw), ["raw cannot be read"]),
    "var without encoding": (lambda f: changed(f, no_encoding), []),
    "numbered genes of cellxgene": (lambda f: changed(f, numbered_genes("feature_name")), ["'feature_name' names"]),
    "numbered genes of Seurat": (lambda f: changed(f, numbered_genes("features")), ["'features' names the genes"]),
    "MuData": (lambda f: mudata(f, "rna", "prot"), ["the modality rna was read"]),
    "MuData of one": (lambda f: mudata(f, "Gene1"), ["the modality Gene1 was read"]),
    "CellBender": (lambda f: tenx(f, cellbender), []),
    "one of two prefixes": (two_prefixes, []),
    "kallisto": (kallisto, []),
    "alevin": (alevin, []),
    "Expression Atlas": (atlas, []),
    "GEO": (geo, []),
    "names in quotes": (quoted, []),
    "names that may be missing": (lambda f: changed(f, names_with_gaps), ["'new' of obs", "left out"]),
    "names that are categories": (named_by_categories, []),
    "anndata before 0.7": (before_anndata_07, []),
    "10x of version 2": (lambda f: tenx(f, of_version_2("hg19")), []),
    "CellBender of version 2": (lambda f: tenx(f, of_version_2("background_removed")), []),
    "10x under another ending": (lambda f: tenx(f, name="a.h5ad"), []),
    "an added gene": (added_gene, ["1 line of features.tsv without a kind"]),
}


@pytest.mark.parametrize("case", READ)
def test_a_foreign_file_is_read_and_what_was_left_out_is_said(case, tmp_path):
    make, said = READ[case]
    path = make(tmp_path)
    adata = open_expression(path)
    X, genes = get_matrix(adata, "X")
    X = to_memory(X)
    np.testing.assert_array_equal(X.toarray() if sp.issparse(X) else X, C)
    assert (genes, list(adata.obs_names)) == (GENES, CELLS)
    warnings_said = " ".join(inspect_expression(path).warnings)
    assert [words for words in said if words not in warnings_said] == []
    assert said or not warnings_said or "left out" not in warnings_said
    assert prepare(adata).X.shape[1] == N


def test_the_named_matrix_is_read_and_no_other(tmp_path):
    X, genes = get_matrix(open_expression(em_beside_unique(tmp_path)), "X")
    assert (X.toarray() == C + 0.5).all()
    assert genes == GENES
    assert get_matrix(open_expression(tmp_path), "X")[0].max() == C.max()  # of a folder, matrix.mtx


def test_a_layer_with_a_slash_has_its_path_as_its_name(tmp_path):
    adata = open_expression(changed(tmp_path, layer_with_a_slash))
    np.testing.assert_array_equal(to_memory(get_matrix(adata, "RNA/counts")[0]), C + 1)


def with_content(name, content):
    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


def mixed_folder(folder):
    triple(folder, "GSM1_")
    triple(folder, "GSM2_")
    return folder


def alone(folder):
    mmwrite(folder / "matrix.mtx", sp.coo_matrix(C))
    return folder / "matrix.mtx"


def with_header(folder):
    return triple(folder, features=["gene", *GENES])


def repeated_entry(folder):
    path = triple(folder)
    head, _, rest = path.read_text().partition("\n6 30 ")
    body = rest.split("\n")[1:]
    path.write_text(f"{head}\n6 30 {len(body)}\n" + "\n".join([*body[:-1], body[0]]) + "\n")
    return path


def cut_within_a_value(folder):
    path = triple(folder)
    path.write_text(path.read_text().rstrip()[:-1] + "1.5")
    return path


def zero_byte(folder):
    path = triple(folder)
    path.write_bytes(path.read_bytes().replace(b" 3\n", b" 3\0\n", 1))
    return path


def many_declared(folder):
    path = triple(folder)
    path.write_text(path.read_text().replace("\n6 30 ", "\n6 30 99999999"))
    return path


def locked(folder):
    return h5ad(folder)


def linked(folder):
    h5ad(folder, "other.h5ad")
    path = h5ad(folder)
    with h5py.File(path, "a") as handle:
        del handle["X"]
        handle["X"] = h5py.ExternalLink("other.h5ad", "/X")
    return path


def soft_circle(handle):
    del handle["X"]
    handle["X"] = h5py.SoftLink("/Y")
    handle["Y"] = h5py.SoftLink("/X")


def hard_circle(handle):
    group = handle["obs"].create_group("in")
    group["out"] = handle["obs"]


def declared(shape, **options):
    def change(handle):
        del handle["X"]
        handle.create_dataset("X", shape, "f4", **options)

    return change


def without_x(handle):
    del handle["X"]


def shorter_obs(handle):
    names = handle["obs/_index"][:-1]
    attributes = dict(handle["obs/_index"].attrs)
    del handle["obs/_index"]
    handle["obs/_index"] = names
    handle["obs/_index"].attrs.update(attributes)
    del handle["obs/ok"]
    handle["obs"].attrs["column-order"] = np.array([], dtype=TEXT)


def pipe(folder):
    os.mkfifo(folder / "a.csv")
    return folder / "a.csv"


def device(folder):
    (folder / "a.tsv").symlink_to("/dev/zero")
    return folder / "a.tsv"


def circle(folder):
    (folder / "a.h5ad").symlink_to(folder / "b.h5ad")
    (folder / "b.h5ad").symlink_to(folder / "a.h5ad")
    return folder / "a.h5ad"


def zarr_with(change):
    def make(folder):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            annotated().write_zarr(folder / "a.zarr")
        change(folder / "a.zarr")
        return folder / "a.zarr"

    return make


def outside(folder):
    (folder / "elsewhere").symlink_to("/etc")


def spatial(folder):
    import zarr

    zarr.open_group(folder / "a.zarr", mode="w").create_group("tables/table")
    return folder / "a.zarr"


def table_of_names(handle):
    del handle["var/_index"]
    handle["var"].create_dataset("_index", (D, 10**6), "i8", chunks=(D, 100))


def numbers_for_obs(handle):
    del handle["obs"]
    handle.create_dataset("obs", (N,), "u1")


def many_names(handle):
    del handle["obs/_index"]
    handle["obs"].create_dataset("_index", (10**9,), "u1", chunks=(10**6,))


def forget_copies(folder):
    """Take out what a zarr folder says of its arrays a second time, at its root."""
    (folder / ".zmetadata").unlink(missing_ok=True)
    root = folder / "zarr.json"
    if root.exists():
        root.write_text(json.dumps(json.loads(root.read_text()) | {"consolidated_metadata": None}))


def names_in_pieces(folder):
    """Declare a million names, of which each would be looked for by itself."""
    import zarr

    var = zarr.open_group(folder, mode="a", use_consolidated=False)["var"]
    del var["_index"]
    var.create_array("_index", shape=(10**6,), chunks=(1,), dtype="u1")
    forget_copies(folder)


def names_without_end(folder):
    """Change the first four bytes of a piece of names, which count them."""
    import zarr

    held = "var/_index/values" if (folder / "var/_index/values").exists() else "var/_index"
    names = zarr.open_group(folder, mode="r")[held]
    piece = folder / held / next(iter(names.metadata.encode_chunk_key(at) for at in [(0,)]))
    codecs = [codec for codec in [getattr(names.metadata, "compressor", None)] if codec is not None]
    data = piece.read_bytes()
    for codec in codecs:
        data = bytes(codec.decode(data))
    data = (2**32 - 256).to_bytes(4, "little") + data[4:]
    for codec in reversed(codecs):
        data = bytes(codec.encode(data))
    piece.write_bytes(data)


# Refused: what is written, and words of the answer.
REFUSED = {
    "MuData without expression": (lambda f: mudata(f, "atac", "prot"), ["atac, prot", "read_h5mu"]),
    "two genomes": (lambda f: tenx(f, second_genome), ["GRCh38, mm10", "genome="]),
    "molecules": (lambda f: tenx(f, molecules, "molecule_info.h5"), ["filtered_feature"]),
    "several matrices": (mixed_folder, ["GSM1_matrix.mtx, GSM2_matrix.mtx", "Name the one"]),
    "a matrix alone": (alone, ["no features.tsv", "barcodes.tsv", "folder of its own"]),
    "features with a header": (with_header, ["7 lines", "header"]),
    "an entry given twice": (repeated_entry, ["given twice"]),
    "a fraction at the very end": (cut_within_a_value, ["Cannot read"]),  # a crash of scipy
    "a zero byte": (zero_byte, ["a zero byte"]),  # likewise
    "entries beyond the file": (many_declared, ["more than it can hold"]),
    "X in another file": (linked, ["another file"]),
    "links in a circle": (lambda f: changed(f, soft_circle), ["run in a circle"]),
    "groups in a circle": (lambda f: changed(f, hard_circle), ["circle"]),
    "a petabyte declared": (lambda f: changed(f, declared((10**9, 10**6), chunks=(1000, 1000))), ["declares", "GB"]),
    "a gigabyte of nothing": (lambda f: changed(f, declared((N, 10**8), chunks=(1, 1000))), ["stores 0 bytes"]),
    "no matrix": (lambda f: changed(f, without_x), ["no matrix that can be read"]),
    "names that are a table": (lambda f: changed(f, table_of_names), ["names of var", "6 x 1,000,000 values"]),
    "numbers for obs": (lambda f: changed(f, numbers_for_obs), ["obs is an array of uint8", "table of columns"]),
    "a billion names": (lambda f: changed(f, many_names), ["obs", "1,000,000,000 names"]),
    "names without end": (zarr_with(names_without_end), ["names of var ('_index') cannot be read"]),
    "names in a million pieces": (zarr_with(names_in_pieces), ["names of var ('_index')", "1,000,000 pieces"]),
    "fewer names than rows": (lambda f: changed(f, shorter_obs), ["(30, 6)", "(29, 6)"]),
    "a pipe": (pipe, ["a pipe or a device"]),
    "a link to a device": (device, ["a pipe or a device"]),
    "links of files in a circle": (circle, ["cannot be opened"]),
    "a zarr folder with a pipe": (zarr_with(lambda folder: os.mkfifo(folder / "c")), ["a pipe or a device"]),
    "a zarr folder with a way out": (zarr_with(outside), ["outside the folder"]),
    "SpatialData": (spatial, ["tables/table"]),
    "an empty file": (with_content("a.h5ad", b""), ["it is empty"]),
    "a web page": (with_content("a.h5ad", b"<!DOCTYPE html><html>"), ["web page", "download"]),
    "a pointer": (with_content("a.h5", b"version https://git-lfs.github.com/spec/v1\noid x\n"), ["git lfs pull"]),
    "a packed h5ad": (with_content("a.h5ad", gzip.compress(b"x" * 99)), ["gzip", "gunzip"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_has_its_own_cause(case, tmp_path):
    make, said = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(AcyclomeError) as caught:
        inspect_expression(path)
    text = str(caught.value)
    assert [words for words in said if words not in text] == []
    assert caught.value.exit_code in (2, 3)
    assert "cut short" not in text
    assert len(text) < 900


def test_a_column_that_declares_other_rows_is_left_out_unread(tmp_path):
    def lengthen(handle):
        del handle["obs/ok"]
        handle["obs"].create_dataset("ok", (2 * 10**8,), "f4", chunks=(10,))  # in pieces without end

    adata = open_expression(changed(tmp_path, lengthen))
    assert "ok" not in adata.obs
    assert any("'ok' of obs has 200,000,000 rows, not 30" in note for note in adata.uns["acyclome_notes"])


def test_a_locked_file_is_said_to_be_locked(tmp_path):
    import subprocess
    import sys

    path = h5ad(tmp_path)
    code = f"import h5py, sys; f = h5py.File({str(path)!r}, 'r+'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(AcyclomeError, match=r"open for writing.*HDF5_USE_FILE_LOCKING=FALSE") as caught:
            open_expression(path)
        other.stdin.close()
    assert "cut short" not in str(caught.value)


COLUMNS = {
    "whole numbers with gaps": pd.array([None, *range(N - 1)], dtype="Int64"),
    "truth with gaps": pd.array([None, *([True, False] * N)[: N - 1]], dtype="boolean"),
    "truth": pd.array([True, False] * (N // 2), dtype="boolean"),
    "text with gaps": pd.array([None, *["a"] * (N - 1)], dtype="string"),
    "categories with gaps": pd.Categorical([None, *["a"] * (N - 1)]),
    "no category at all": pd.Categorical([None] * N, categories=["a"]),
    "categories of numbers": pd.Categorical([1, 2] * (N // 2)),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_not_used_hinders_no_run(column, tmp_path):
    from acyclome.prepare import prepare_to_store

    path = h5ad(tmp_path, adata=annotated(column=COLUMNS[column]))
    assert prepare_to_store(path, tmp_path / "store.h5")["n_obs"] == N
    assert prepare(annotated(column=COLUMNS[column])).obs_columns.shape == (N, 1)
