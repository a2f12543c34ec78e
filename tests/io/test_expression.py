"""Reading of expression: every format gives the same numbers, and every wrong file a way out."""

import gzip
import os
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.io import mmwrite

from acyclome.errors import InputError
from acyclome.io.choice import choose_matrix
from acyclome.io.expression import inspect_expression, open_expression
from acyclome.io.gene_names import kind_of_names, lies_on_its_side
from acyclome.io.matrices import get_matrix, matrix_facts, to_memory

GENES = ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB", "TAL1"]
CELLS = [f"cell_{i}" for i in range(24)]


def chosen(path, layer=None, genes_as="columns"):
    """Return the matrix of a file that is asked for, or the recommended one, in memory."""
    whole = open_expression(path, genes_as)
    X, genes = get_matrix(whole, choose_matrix(whole, layer).facts.name)
    return anndata.AnnData(to_memory(X), obs=whole.obs, var=pd.DataFrame(index=genes))


def counts(seed=3, rows=24, columns=6):
    return np.random.default_rng(seed).poisson(2.0, (rows, columns)).astype(np.float32)


def log_normalised(X):
    return np.log1p(X / X.sum(axis=1, keepdims=True) * 1e4)


def annotated(X=None, **layers):
    X = counts() if X is None else X
    obs = pd.DataFrame({"type": pd.Categorical(["B", "T"] * 12), "depth": np.arange(24.0)}, index=CELLS)
    return anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES), layers=layers)


def written(adata, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (adata.write_zarr if path.suffix == ".zarr" else adata.write_h5ad)(path)
    return path


@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_h5ad_and_zarr_stay_on_the_disk_until_their_values_are_asked_for(tmp_path, name, make):
    X = counts()
    whole = open_expression(written(annotated(make(X), log=make(log_normalised(X))), tmp_path / name))
    for layer, expected in (("X", X), ("log", log_normalised(X)), (None, X)):
        on_disk, genes = get_matrix(whole, choose_matrix(whole, layer).facts.name)
        assert type(on_disk) not in (np.ndarray, sp.csr_matrix, sp.csc_matrix)
        values = to_memory(on_disk)
        np.testing.assert_array_equal(values.toarray() if sp.issparse(values) else values, expected)
        assert genes == GENES
        assert list(whole.obs["type"][:2]) == ["B", "T"]


def test_raw_is_a_matrix_with_genes_of_its_own(tmp_path):
    adata = annotated(log_normalised(counts()))
    adata.raw = adata.copy()
    adata = adata[:, :4].copy()
    adata.X = (adata.X - adata.X.mean(axis=0)) / adata.X.std(axis=0)
    path = written(adata, tmp_path / "a.h5ad")
    found = chosen(path)
    assert list(found.var_names) == GENES
    np.testing.assert_array_equal(found.X, log_normalised(counts()))
    inspection = inspect_expression(path)
    assert [(facts.name, facts.kind, facts.n_vars) for facts in inspection.matrices] == [
        ("X", "scaled", 4),
        ("raw", "log-normalised", 6),
    ]
    assert inspection.recommended == "raw"


def table(path, X, rows, columns, separator, corner=""):
    lines = [separator.join([corner, *columns])]
    lines += [separator.join([row, *map(str, values)]) for row, values in zip(rows, X, strict=True)]
    text = "\n".join(lines) + "\n"
    opener = gzip.open if path.suffix == ".gz" else Path.open
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.write(text)
    return path


@pytest.mark.parametrize(
    ("name", "separator"),
    [("a.csv", ","), ("a.tsv", "\t"), ("a.csv.gz", ","), ("a.txt", "\t"), ("semicolons.csv", ";")],
)
def test_tables_are_read_in_both_orientations(tmp_path, name, separator):
    X = counts()
    upright = chosen(table(tmp_path / name, X, CELLS, GENES, separator))
    turned = chosen(table(tmp_path / f"t_{name}", X.T, GENES, CELLS, separator), genes_as="rows")
    for found in (upright, turned):
        np.testing.assert_array_equal(found.X, X)
        assert (list(found.obs_names), list(found.var_names)) == (CELLS, GENES)


def test_a_table_without_names_of_rows_is_read(tmp_path):
    X = counts()
    path = tmp_path / "a.tsv"
    pd.DataFrame(X, columns=GENES).to_csv(path, sep="\t", index=False)
    found = chosen(path)
    np.testing.assert_array_equal(found.X, X)
    assert list(found.obs_names[:2]) == ["0", "1"]
    header_of_r = (
        "\t".join(GENES) + "\n" + "\n".join("\t".join([c, *map(str, r)]) for c, r in zip(CELLS, X, strict=True))
    )
    path.write_text(header_of_r)
    assert list(chosen(path).obs_names) == CELLS


@pytest.mark.parametrize("is_zipped", [False, True])
@pytest.mark.parametrize("features", ["features.tsv", "genes.tsv"])
def test_a_10x_folder_is_read_and_shared_symbols_are_told_apart(tmp_path, is_zipped, features):
    X = counts()
    X[0, 0] = 5
    mmwrite(tmp_path / "matrix.mtx", sp.coo_matrix(X.T.astype(int)))
    symbols = [*GENES[:5], "SPI1"]
    kinds = ["Gene Expression"] * 6
    lines = [f"ENSG0000000000{i}\t{name}\t{kind}" for i, (name, kind) in enumerate(zip(symbols, kinds, strict=True))]
    (tmp_path / features).write_text("\n".join(lines) + "\n")
    (tmp_path / "barcodes.tsv").write_text("\n".join(CELLS) + "\n")
    if is_zipped:
        for path in list(tmp_path.iterdir()):
            (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    found = chosen(tmp_path)
    np.testing.assert_array_equal(found.X.toarray(), X)
    assert list(found.var_names[[0, 5]]) == ["SPI1_ENSG00000000000", "SPI1_ENSG00000000005"]
    inspection = inspect_expression(tmp_path)
    assert inspection.duplicates == []
    assert "SPI1" in inspection.warnings[0]


def tenx_h5(path, X, features):
    columns = sp.csr_matrix(X.astype(np.int32))
    with h5py.File(path, "w") as handle:
        group = handle.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(columns, name)
        group["shape"] = np.array(X.shape[::-1])
        group["barcodes"] = np.array(CELLS, dtype="S")
        for name, values in features.items():
            group[f"features/{name}"] = np.array(values, dtype="S")
    return path


def test_a_10x_h5_file_is_read_without_its_antibodies(tmp_path):
    features = {
        "name": GENES,
        "id": [f"ENSG{i:011d}" for i in range(6)],
        "feature_type": ["Gene Expression"] * 5 + ["Antibody Capture"],
    }
    path = tenx_h5(tmp_path / "a.h5", counts(), features)
    found = chosen(path)
    np.testing.assert_array_equal(found.X.toarray(), counts()[:, :5])
    assert list(found.var_names) == GENES[:5]
    assert "1 feature that is no gene expression" in inspect_expression(path).warnings[0]


def test_a_10x_file_without_genes_says_what_it_has(tmp_path):
    features = {"name": GENES, "id": GENES, "feature_type": ["Antibody Capture"] * 6}
    path = tenx_h5(tmp_path / "a.h5", counts(), features)
    assert "No feature is gene expression: all are Antibody Capture" in inspect_expression(path).warnings[0]


def test_scanpy_reads_the_same_from_10x_h5(tmp_path):
    import scanpy

    features = {"name": GENES, "id": GENES, "feature_type": ["Gene Expression"] * 6, "genome": ["x"] * 6}
    path = tenx_h5(tmp_path / "a.h5", counts(), features)
    theirs, ours = scanpy.read_10x_h5(path), chosen(path)
    np.testing.assert_array_equal(ours.X.toarray(), theirs.X.toarray())
    assert list(ours.var_names) == list(theirs.var_names)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_matrix])
def test_the_kind_of_a_matrix_is_read_from_its_values(make):
    X = counts(columns=40, seed=5)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    kinds = {
        "counts": X,
        "log-normalised": log_normalised(X),
        "scaled": scaled,
        "unknown": np.random.default_rng(1).random(X.shape),
    }
    for kind, values in kinds.items():
        facts = matrix_facts("X", make(values))
        assert facts.kind == kind
        assert (facts.min, facts.max) == (values.min(), values.max())
        assert facts.zeros == pytest.approx(np.mean(values == 0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_that_are_whole_by_rounding_alone_are_no_counts(dtype):
    X = (np.random.default_rng(2).lognormal(0, 1, (40, 8)) * 1e12 / np.finfo(dtype).eps * 1e-7).astype(dtype)
    facts = matrix_facts("X", X)
    assert (facts.kind, facts.note.split(",")[0]) == ("unknown", "values too large to be counts")
    assert matrix_facts("X", np.rint(X / X.min() * 9)).kind == "counts"


def test_log_normalised_values_are_known_after_genes_were_left_out_and_in_base_two():
    X = np.random.default_rng(4).poisson(0.4, (50, 300)).astype(float)
    assert matrix_facts("X", log_normalised(X)[:, :60]).kind == "log-normalised"
    assert matrix_facts("X", np.log2(1 + X / X.sum(axis=1, keepdims=True) * 1e4)).kind == "log-normalised"
    assert matrix_facts("X", np.random.default_rng(4).gamma(0.4, 1.0, (50, 300))).kind == "unknown"


def test_missing_values_are_counted():
    X = counts()
    X[3, 2], X[4, 1], X[5, 1] = np.nan, np.inf, -np.inf
    for matrix in (X, sp.csr_matrix(X)):
        facts = matrix_facts("X", matrix)
        assert (facts.nan, facts.infinite) == (1, 2)


def test_inspect_recommends_counts_and_lists_what_can_be_named(tmp_path):
    X = log_normalised(counts())
    path = written(annotated(X, raw_counts=sp.csr_matrix(counts())), tmp_path / "a.h5ad")
    inspection = inspect_expression(path)
    assert inspection.shape == (24, 6)
    assert inspection.recommended == "raw_counts"
    assert "counts" in inspection.why
    assert inspection.obs_columns == {"type": ["B", "T"], "depth": "numbers from 0 to 23"}
    assert inspection.names == "symbol"


def test_inspect_warns_of_duplicates_gaps_and_few_observations(tmp_path):
    X = counts()[:5]
    X[0, 0] = np.nan
    adata = anndata.AnnData(X, obs=pd.DataFrame(index=CELLS[:5]), var=pd.DataFrame(index=["A1BG", *GENES[1:]]))
    adata.var_names = ["A1BG", "A1BG", *GENES[2:]]
    inspection = inspect_expression(written(adata, tmp_path / "a.h5ad"))
    assert inspection.duplicates == ["A1BG"]
    text = " ".join(inspection.warnings)
    assert all(part in text for part in ("A1BG", "1 NaN", "5 observations are too few"))


def test_the_packaged_example_of_scanpy_is_understood():
    import scanpy

    path = Path(scanpy.__file__).parent / "datasets" / "10x_pbmc68k_reduced.h5ad"
    inspection = inspect_expression(path)
    assert {facts.name: facts.kind for facts in inspection.matrices} == {"X": "scaled", "raw": "log-normalised"}
    assert inspection.recommended == "raw"


@pytest.mark.parametrize(
    ("observations", "genes", "corner", "expected"),
    [
        (GENES, CELLS, "", True),
        (CELLS, GENES, "", False),
        (["x1", "x2", "x3"], ["a", "b"], "GENE", True),
        (["x1", "x2", "x3"], ["a", "b"], "cell id", False),
        ([f"ENSG{i:011d}" for i in range(9)], ["a", "b"], "", True),
        (["a", "b"], [f"ENSG{i:011d}" for i in range(9)], "gene", False),
        (["RPL3", "RPS4X", "MT-CO1", "ACTB", "B2M", "x"], ["s1", "s2"], "", True),
        (["s1", "s2"], ["ACGTACGTACGTACGT-1", "TTTTACGTACGTACGT-1"], "", True),
    ],
)
def test_names_tell_a_transposed_matrix(observations, genes, corner, expected):
    assert lies_on_its_side(observations, genes, corner) is expected


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (GENES, "symbol"),
        (["ENSMUSG00000000001.4", "ENSG00000000003"], "ensembl"),
        (CELLS, "other"),
        (["1", "2"], "other"),
    ],
)
def test_kinds_of_names(names, kind):
    assert kind_of_names(names) == kind


def test_a_transposed_input_is_refused_with_the_way_out(tmp_path):
    path = table(tmp_path / "a.csv", counts().T, GENES, CELLS, ",", corner="gene")
    with pytest.raises(InputError, match=r"transposed.*SPI1.*cell_0.*--genes-as rows"):
        open_expression(path)
    path = table(tmp_path / "b.csv", counts(), CELLS, GENES, ",")
    with pytest.raises(InputError, match=r"transposed.*Leave out --genes-as rows"):
        open_expression(path, "rows")
    with pytest.raises(InputError, match=r"transposed.*adata\.T"):
        open_expression(written(annotated().T, tmp_path / "a.h5ad"))


def test_a_wrong_layer_names_those_that_exist(tmp_path):
    path = written(annotated(None, log=log_normalised(counts())), tmp_path / "a.h5ad")
    with pytest.raises(InputError, match=r"no matrix 'count'.*X, log.*--layer"):
        chosen(path, layer="count")


def broken_files(folder):
    whole = written(annotated(), folder / "whole.h5ad").read_bytes()
    good = "cell,TP53,MYC\n" + "".join(f"c{i},1,2\n" for i in range(9))
    texts = {
        "absent.h5ad": None,
        "cut.h5ad": whole[: len(whole) // 2],
        "text.h5ad": b"no hdf5",
        "data.loom": b"x",
        "data.xyz": b"x",
        "empty.csv": b"",
        "words.csv": (good + "c9,1,high\n").encode(),
        "ragged.csv": (good + "c9,1,2,3\n").encode(),
        "headless.csv": b"0.5,1.5\n2.5,3.5\n",
        "cut.csv.gz": gzip.compress(good.encode() * 50)[:60],
        "plain.csv.gz": good.encode(),
    }
    for name, content in texts.items():
        if content is not None:
            (folder / name).write_bytes(content)
    with h5py.File(folder / "other.h5", "w") as handle:
        handle["x"] = 1
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.h5ad", r"There is no file"),
        ("cut.h5ad", r"Cannot read .*Expected h5ad"),
        ("text.h5ad", r"Cannot read .*Expected h5ad"),
        ("data.loom", r"Convert it: anndata"),
        ("data.xyz", r"not known by its ending.*h5ad"),
        ("empty.csv", r"it is empty"),
        ("words.csv", r"'high' in the row 'c9', column 'MYC'"),
        ("ragged.csv", r"Cannot read"),
        ("headless.csv", r"first line holds numbers"),
        ("cut.csv.gz", r"Cannot read"),
        ("plain.csv.gz", r"Cannot read"),
        ("other.h5", r"neither AnnData nor"),
        ("folder", r"should hold one file matrix\.mtx"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(tmp_path, name, message):
    with pytest.raises(InputError, match=message) as caught:
        open_expression(broken_files(tmp_path) / name)
    assert caught.value.exit_code == 2
    assert len(str(caught.value)) < 900


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_the_right_to_read_is_refused(tmp_path):
    path = table(tmp_path / "a.csv", counts(), CELLS, GENES, ",")
    path.chmod(0)
    with pytest.raises(InputError, match="Cannot read"):
        open_expression(path)
