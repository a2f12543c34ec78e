"""Wrong inputs: each is refused with one screen that says what was found and how to go on, and leaves nothing behind.

A table, which the author of a new reader extends by a line: how the input is made, the options that are used with it,
and words of the answer. The command line is called in this process; Python raises the same error, with the same words
unless the line gives others (an option has another name there).
"""

import gzip
import json
import warnings
from dataclasses import dataclass, field

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.io import mmwrite

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.expression import open_expression
from acyclome.notebook import in_python

N_OBS, N_VARS, SEED, SCREEN_LINES = 60, 24, 7, 25
GENES, CELLS = [f"GENE{j}" for j in range(N_VARS)], [f"cell{i}" for i in range(N_OBS)]
QUICK = {"resample.resamples": 0, "validation.checks": False}


def good():
    """Return counts of 60 cells and 24 genes of which nothing can be said against."""
    rng = np.random.default_rng(SEED)
    depth = rng.uniform(0.5, 2.0, size=(N_OBS, 1))
    counts = rng.poisson(depth * rng.uniform(1.0, 6.0, size=N_VARS)).astype(np.float32)
    obs = pd.DataFrame(
        {
            "label": pd.Categorical(["B", "T"] * (N_OBS // 2), ["B", "NK", "T"]),
            "guide": ["ctrl", "GENE1", "GENE2"] * (N_OBS // 3),
            "strange": ["ctrl", "OTHER1", "OTHER2"] * (N_OBS // 3),
            "few": ["a"] * (N_OBS - 3) + ["b"] * 3,
            "gap": [None, *["x", "y"] * 29, "x"],
            "each": CELLS,
        },
        CELLS,
    )
    return anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=GENES))


@dataclass
class Wrong:
    """One line: ``make(folder)`` returns the input; ``{}`` in an option is the folder; `python` are its own words."""

    make: object
    options: dict = field(default_factory=dict)
    says: tuple = ()
    python: tuple | None = None


def h5ad(change=lambda adata: None, files=()):
    """Return a maker of an h5ad file, after a change, with text files beside it."""

    def make(folder):
        adata = good()
        adata = change(adata) or adata
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that names are repeated
            adata.write_h5ad(folder / "in.h5ad")
        for name, text in dict(files).items():
            (folder / name).write_text(text)
        return folder / "in.h5ad"

    return make


def beside(**texts):
    """Return a maker of a whole h5ad file with files beside it, the last letters of their names their endings."""
    return h5ad(files={name.replace("_", "."): text for name, text in texts.items()})


def values(place, value):
    def change(adata):
        adata.X[place] = value

    return h5ad(change)


def in_hdf5(change, name="in.h5ad"):
    def make(folder):
        path = h5ad(lambda adata: setattr(adata, "X", sp.csr_matrix(adata.X)))(folder)
        with h5py.File(path, "a") as handle:
            change(handle)
        return path.rename(folder / name)

    return make


def put(place, at, value):
    def change(handle):
        handle[place][at] = value

    return in_hdf5(change)


def without(*names):
    def change(handle):
        for name in names:
            del handle[name]

    return in_hdf5(change)


def content(name, data):
    def make(folder):
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        return folder / name

    return make


def table(change=lambda text: text, name="in.csv", **how):
    return lambda folder: content(name, change(good().to_df().to_csv(**how)))(folder)


def mtx(change=lambda text: text, **names):
    def make(folder):
        home = folder / "counts"
        home.mkdir()
        mmwrite(home / "m.mtx", sp.coo_matrix(good().X.T.astype(int)))
        text = (home / "m.mtx").read_text()
        (home / "m.mtx").unlink()
        (home / "matrix.mtx").write_text(change(text))
        for file, lines in {"features": GENES, "barcodes": CELLS, **names}.items():
            if lines:
                (home / f"{file}.tsv").write_text("\n".join(lines) + "\n")
        return home

    return make


def turned(adata):
    rng = np.random.default_rng(SEED)
    adata = adata.T
    adata.var_names = ["".join(rng.choice(list("ACGT"), 16)) + "-1" for _ in range(adata.n_vars)]
    return adata


def named(**names):
    return lambda adata: setattr(adata, "var_names", [names.get(gene, gene) for gene in adata.var_names])


def tenx(handle):
    for name in list(handle):
        del handle[name]
    group = handle.create_group("matrix")
    group["indptr"], group["barcodes"] = np.zeros(N_OBS + 1, int), np.array(CELLS, "S")


def far(handle):
    del handle["X"]
    handle["X"] = h5py.ExternalLink("elsewhere.h5", "/X")


def huge(handle):
    del handle["X"]
    handle.create_dataset("X", (N_OBS, 10**8), "f4", chunks=(1, 1000))


def with_codes(folder):
    path = h5ad()(folder)
    with h5py.File(path, "a") as handle:
        handle["obs/label/codes"][0] = 9
    return path


def two_modalities(handle):
    handle.attrs["encoding-type"] = "MuData"
    for name in ("obs", "var"):
        handle.copy(name, f"mod/a/{name}")
    handle.copy("mod/a", "mod/b")


def label_twice(handle):
    handle["obs"].attrs["column-order"] = ["label", "label"]


def scaled(adata):
    adata.X = adata.X - adata.X.mean()


CYCLE = "source,target,kind\nGENE0,GENE1,required\nGENE1,GENE0,required\n"
ROWS = {
    # Tables.
    "an empty table": Wrong(content("in.csv", ""), {}, ("it is empty", "write or copy it again")),
    "one line": Wrong(content("in.csv", "a,b,c\n"), {}, ("fewer than two lines",)),
    "text among numbers": Wrong(
        table(lambda t: t.replace(",3.0,", ",oops,", 1)), {}, ("text among its numbers", "'oops'")
    ),
    "a line too long": Wrong(table(lambda t: t + "cell,1,2" + ",3" * 99 + "\n"), {}, ("Cannot read", "Expected")),
    "a name twice": Wrong(table(lambda t: t.replace("GENE7", "GENE1", 1)), {}, ("GENE1", "make_unique")),
    "genes in lines": Wrong(h5ad(turned), {}, ("transposed", ".T")),
    "a number too large": Wrong(
        table(lambda t: t.replace(",3.0,", ",1e300,", 1)), {}, ("1e+300", "Expected values below")
    ),
    "thousands or decimals": Wrong(
        table(lambda t: t.replace("\t3.0\t", "\t1,234\t", 1), "in.tsv", sep="\t"), {}, ("'1,234'", "one and some")
    ),
    "UTF-16": Wrong(lambda f: content("in.csv", good().to_df().to_csv().encode("utf-16"))(f), {}, ("UTF-16", "UTF-8")),
    "a spreadsheet": Wrong(content("in.csv", b"PK\x03\x04" + bytes(99)), {}, ("spreadsheet", "csv")),
    "a web page": Wrong(content("in.tsv", "<!DOCTYPE html>\n<html>"), {}, ("web page", "download")),
    "gzip cut short": Wrong(
        lambda f: content("in.csv.gz", gzip.compress(good().to_df().to_csv().encode())[:500])(f), {}, ("cut short",)
    ),
    "gzip that is none": Wrong(content("in.csv.gz", "a,b\n1,2\n"), {}, ("Cannot read", "gz")),
    "numbers for names": Wrong(table(header=False), {}, ("numbers", "names")),
    "an unknown ending": Wrong(content("in.docx", "x"), {}, ("in.docx", "ending")),
    "a packed h5ad": Wrong(content("in.h5ad.gz", gzip.compress(b"x")), {}, ("in.h5ad.gz", "Unpack it")),
    "data of R": Wrong(content("in.rds", "x"), {}, ("in.rds", "zellkonverter")),
    "parquet": Wrong(content("in.parquet", "x"), {}, ("in.parquet", "read_parquet")),
    "a zero byte": Wrong(table(lambda t: t.replace("3.0", "3\x00", 1)), {}, ("zero byte",)),
    # Matrix Market.
    "an empty folder": Wrong(lambda f: (f / "x").mkdir() or f / "x", {}, ("matrix.mtx", "found none")),
    "a folder of folders": Wrong(
        lambda f: [(f / "x").mkdir(), mtx()(f).rename(f / "x" / "filtered")][0] or f / "x",
        {},
        ("such as", "x/filtered"),
    ),
    "no features": Wrong(mtx(features=[]), {}, ("no features.tsv",)),
    "a header among features": Wrong(mtx(features=["gene", *GENES]), {}, ("25 lines", "header")),
    "an index beyond": Wrong(mtx(lambda t: t.rsplit("\n", 2)[0] + "\n999 1 3\n"), {}, ("outside of 24 rows",)),
    "a fraction of a count": Wrong(mtx(lambda t: t.rstrip() + ".5\n"), {}, ("Cannot read", "Matrix Market")),
    "no Matrix Market": Wrong(mtx(lambda t: "x" + t), {}, ("first line",)),
    # HDF5.
    "no HDF5": Wrong(content("in.h5ad", "not HDF5"), {}, ("Cannot read", "in.h5ad")),
    "half a file": Wrong(
        lambda f: content("in.h5ad", (lambda d: d[: len(d) // 2])(h5ad()(f).read_bytes()))(f), {}, ("cut short",)
    ),
    "an index of CSR beyond": Wrong(put("X/indices", 3, 999), {}, ("is damaged", "999")),
    "a pointer of CSR that falls": Wrong(put("X/indptr", 5, 10**6), {}, ("is damaged", "indptr")),
    "no data": Wrong(without("X/data"), {}, ("no matrix that can be read", "X")),
    "no X": Wrong(without("X"), {}, ("no matrix that can be read",)),
    "no names": Wrong(without("var/_index"), {}, ("var has no names",)),
    "X elsewhere": Wrong(in_hdf5(far), {}, ("another file", "h5repack")),
    "more declared than stored": Wrong(in_hdf5(huge), {}, ("declares", "stores 0 bytes")),
    "half of 10x": Wrong(in_hdf5(tenx, "in.h5"), {}, ("lacks", "data")),
    "MuData of two": Wrong(in_hdf5(two_modalities, "in.h5mu"), {}, ("MuData", "a, b")),
    # Values.
    "a value missing": Wrong(values((3, 5), np.nan), {}, ("1 missing value", "cell3", "GENE5", "--missing")),
    "an infinite value": Wrong(values((3, 5), np.inf), {}, ("1 infinite value", "cell3", "GENE5")),
    "a count below zero": Wrong(values((3, 5), -2), {}, ("below zero", "GENE5", "--layer")),
    "a code for what is missing": Wrong(values((3, 5), -999), {}, ("1 time -999", "--missing")),
    "a column that cannot be read": Wrong(
        with_codes,
        {"input.group_by": "label"},
        ("'label' of obs cannot be read", "write the column anew"),
        ("'label'",),
    ),
    "a gene of zeros": Wrong(values((slice(None), 5), 0), {"prepare.min_cells": 0}, ("GENE5", "--min-cells")),
    "a constant gene": Wrong(values((slice(None), 5), 7), {}, ("GENE5", "7 everywhere", "--min-cells")),
    "one value for all": Wrong(values(slice(None), 2), {}, ("same value",)),
    "genes of one name": Wrong(h5ad(named(GENE7="GENE1")), {}, ("GENE1", "make_unique")),
    "three cells": Wrong(h5ad(lambda a: a[:3].copy()), {}, ("3 observations", "at least 10")),
    "one gene": Wrong(h5ad(lambda a: a[:, :1].copy()), {}, ("at least two genes",)),
    "genes too rare": Wrong(h5ad(), {"prepare.min_cells": 999}, ("0 of 24 genes", "Lower --min-cells")),
    "gaps everywhere": Wrong(
        values(0, np.nan), {"prepare.missing": "drop-genes"}, ("24 genes have gaps", "drop-observ")
    ),
    # Columns and options.
    "a layer that is not there": Wrong(h5ad(), {"input.layer": "count"}, ("'count'", "It has: X")),
    "a column that is not there": Wrong(
        h5ad(), {"input.group_by": "labl"}, ("'labl'", "label"), ("no column 'labl'", "label")
    ),
    "a column that is there twice": Wrong(
        in_hdf5(label_twice), {"input.group_by": "label"}, ("2 columns", "'label'", "group_by", "Rename")
    ),
    "an empty group": Wrong(
        h5ad(), {"input.group_by": "label", "input.group": "NK"}, ("NK", "B (30), T (30)"), ("'NK'", "B, T")
    ),
    "groups too small": Wrong(h5ad(), {"input.group_by": "few"}, ("b (3)", "fewer than 10")),
    "groups together, without any": Wrong(h5ad(), {"input.joint": True}, ("no groups", "leave joint out")),
    "a target column that is not there": Wrong(h5ad(), {"input.perturbation": "guides"}, ("'guides'", "guide")),
    "a control that is not there": Wrong(
        h5ad(), {"input.perturbation": "guide", "input.control": "NTC"}, ("'NTC'", "ctrl (20)", "--control")
    ),
    "targets that are no genes": Wrong(
        h5ad(), {"input.perturbation": "strange", "input.control": "ctrl"}, ("None of the 2 targets", "OTHER1")
    ),
    "a covariate that is not there": Wrong(h5ad(), {"prepare.covariates": ("sex",)}, ("'sex'", "covariates")),
    "a covariate with a gap": Wrong(
        h5ad(), {"prepare.covariates": ("gap",)}, ("'gap'", "1 of 60", "drop-observations")
    ),
    "a label for each observation": Wrong(h5ad(), {"prepare.covariates": ("each",)}, ("61 columns", "many labels")),
    "few left to learn from": Wrong(h5ad(), {"prepare.pseudobulk_by": "label"}, ("2 observations", "at least 10")),
    "metacells too large": Wrong(h5ad(), {"prepare.metacells": 30}, ("2 observations", "at least 10")),
    "variable genes of scaled values": Wrong(
        h5ad(scaled), {"prepare.n_top_genes": 5}, ("n_top_genes", "log-normalised")
    ),
    "a model of counts for values": Wrong(h5ad(scaled), {"model": "glm"}, ("expected counts", "--layer")),
    # What is known.
    "a list that is not there": Wrong(h5ad(), {"knowledge.regulators": "{}/tf.txt"}, ("tf.txt", "No such file")),
    "an empty list": Wrong(beside(tf_txt="# none\n"), {"knowledge.regulators": "{}/tf.txt"}, ("names no gene",)),
    "a list in another nomenclature": Wrong(
        beside(tf_txt="ENSG00000000001\nENSG00000000002\n"), {"knowledge.regulators": "{}/tf.txt"}, ("Ensembl",)
    ),
    "a table that is not there": Wrong(h5ad(), {"knowledge.knowledge": "{}/k.csv"}, ("k.csv",)),
    "a table without targets": Wrong(
        beside(k_csv="source,x\nGENE0,1\n"), {"knowledge.knowledge": "{}/k.csv"}, ("no column target",)
    ),
    "a kind that is none": Wrong(
        beside(k_csv="source,target,kind\nGENE0,GENE1,maybe\n"),
        {"knowledge.knowledge": "{}/k.csv"},
        ("maybe", "required"),
    ),
    "a weight beyond 1": Wrong(
        beside(k_csv="source,target,weight,kind\nGENE0,GENE1,7,soft\n"),
        {"knowledge.knowledge": "{}/k.csv"},
        ("7", "weight"),
    ),
    "required in a circle": Wrong(beside(k_csv=CYCLE), {"knowledge.knowledge": "{}/k.csv"}, ("GENE0", "GENE1")),
    "required and forbidden": Wrong(
        beside(a_csv="source,target\nGENE0,GENE1\n"),
        {"knowledge.forbidden": "{}/a.csv", "knowledge.required": "{}/a.csv"},
        ("GENE0", "GENE1"),
    ),
    "edges of other genes": Wrong(
        beside(k_csv="source,target\nX1,X2\n"), {"knowledge.knowledge": "{}/k.csv"}, ("0 of 1 edges", "X1")
    ),
    "a list in a spreadsheet": Wrong(
        lambda f: [h5ad()(f), content("tf.xlsx", b"PK\x03\x04" + bytes(90))(f)][0],
        {"knowledge.regulators": "{}/tf.xlsx"},
        ("spreadsheet", "one gene a line"),
    ),
    "a table in a spreadsheet": Wrong(
        lambda f: [h5ad()(f), content("k.xlsx", b"PK\x03\x04" + bytes(90))(f)][0],
        {"knowledge.knowledge": "{}/k.xlsx"},
        ("spreadsheet", "source and target"),
    ),
    "blanks around names": Wrong(
        h5ad(named(GENE7="GENE7 "), {"tf.txt": "GENE7\n"}),
        {"knowledge.regulators": "{}/tf.txt"},
        ("blanks around them", "strip()"),
    ),
    "an infinite covariate": Wrong(
        h5ad(lambda a: a.obs.__setitem__("dose", [np.inf] + [1.0] * (N_OBS - 1))),
        {"prepare.covariates": ("dose",)},
        ("'dose'", "infinite"),
    ),
    "a tier in words": Wrong(
        beside(t_csv="gene,tier\nGENE0,low\n"), {"knowledge.tiers": "{}/t.csv"}, ("'low'", "whole")
    ),
}


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def call(capsys, *words):
    code = main([str(word) for word in words])
    output = capsys.readouterr()
    return code, output.out, output.err


def assert_one_screen(code, text, error):
    assert code == 2, error
    assert text == ""
    assert "Traceback" not in error
    assert 0 < len(error.splitlines()) <= SCREEN_LINES


def assert_says(error, words):
    text = " ".join(str(error).split())
    assert [word for word in words if word not in text] == [], text


def as_argument(word):
    """Return what a refusal in Python calls an option of the command line; other words stay."""
    return in_python(word).removeprefix("the option ").rpartition(".")[2] if word.startswith("--") else in_python(word)


def typed(options):
    for path, value in options.items():
        text = ",".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else value
        yield from (f"--{path.replace('_', '-')}", text)


def test_the_table_has_sixty_kinds():
    assert len(ROWS) >= 60


@pytest.mark.filterwarnings("ignore:Variable names are not unique", "ignore:Observation names are not unique")
@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_input_is_refused_and_leaves_nothing_behind(name, tmp_path, capsys):
    row = ROWS[name]
    path = row.make(tmp_path)
    before = contents(tmp_path)
    options = {key: v.format(tmp_path) if isinstance(v, str) else v for key, v in {**QUICK, **row.options}.items()}
    answer = call(capsys, "run", path, "-o", tmp_path / "a" / "out", "--threads", "1", "--quiet", *typed(options))
    assert_one_screen(*answer)
    assert_says(answer[2], row.says)
    assert contents(tmp_path) == before
    with pytest.raises(InputError) as caught:
        ac.tl.dag(open_expression(path), config=Config().with_options(options), threads=1)
    assert_says(caught.value, map(as_argument, row.says if row.python is None else row.python))
    assert contents(tmp_path) == before


CONFIGS = {
    "an option that is none": ("scor: {gamma: 1}\n", ("scor", "Did you mean score")),
    "a value out of range": ("score: {gamma: -1}\n", ("score.gamma = -1", "from 0")),
    "a text for a number": ("seed: many\n", ("seed", "whole number")),
    "no YAML": ("a: [1\n", ("not YAML",)),
    "a key twice": ("seed: 1\nseed: 2\n", ("line 2", "keep one")),
    "a billion values": ("a: &a [1,1,1]\nb: &b [*a,*a,*a]\n" + "c: [" + "*b," * 4000 + "*b]\n", ("aliases",)),
    "options that do not go together": ("score: {non_gaussian: true, noise: equal}\n", ("non_gaussian", "equal")),
    "a model that is none": ("model: forest\n", ("forest", "linear")),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_wrong_configuration_is_refused_and_leaves_nothing_behind(name, tmp_path, capsys):
    text, says = CONFIGS[name]
    path = h5ad(files={"c.yaml": text})(tmp_path)
    before = contents(tmp_path)
    answer = call(capsys, "run", path, "-o", tmp_path / "out", "--config", tmp_path / "c.yaml")
    assert_one_screen(*answer)
    assert_says(answer[2], says)
    assert contents(tmp_path) == before
    with pytest.raises(InputError) as caught:
        Config.from_yaml(tmp_path / "c.yaml")
    assert_says(caught.value, says)


@pytest.mark.parametrize("content_", [b"", b"not an expression file", b"\x89HDF\r\n\x1a\n" + bytes(100)])
@pytest.mark.parametrize("ending", ["h5ad", "h5", "tsv.gz", "docx"])
def test_an_unreadable_file_is_answered_with_one_screen(content_, ending, tmp_path, capsys):
    path = content(f"in.{ending}", content_)(tmp_path)
    answer = call(capsys, "run", path, "-o", tmp_path / "out", "--quiet")
    assert_one_screen(*answer)
    assert path.name in answer[2]
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_answered_with_the_nearest_name(tmp_path, capsys):
    good().write_h5ad(tmp_path / "pbmc.h5ad")
    answer = call(capsys, "run", tmp_path / "pbcm.h5ad", "-o", tmp_path / "out")
    assert_one_screen(*answer)
    assert "Did you mean pbmc.h5ad" in answer[2]
    assert not (tmp_path / "out").exists()


def test_what_another_run_left_stays_where_an_input_is_refused(tmp_path, capsys):
    path = h5ad()(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "tf.txt").write_text("ENSG00000000001\n")
    answer = call(capsys, "run", path, "-o", tmp_path / "out", "--regulators", tmp_path / "tf.txt", "--quiet")
    assert_one_screen(*answer)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_answered_before_any_work(tmp_path, capsys):
    good().write_h5ad(tmp_path / "in.h5ad")
    (tmp_path / "file").write_text("in the way")
    answer = call(capsys, "run", tmp_path / "in.h5ad", "-o", tmp_path / "file" / "out", "--quiet")
    assert_one_screen(*answer)
    assert "-o" in answer[2]
    assert (tmp_path / "file").read_text() == "in the way"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "in.h5ad"]


def test_the_default_filter_drops_an_all_zero_gene_and_says_so(tmp_path, capsys):
    path = values((slice(None), 5), 0)(tmp_path)
    words = ["prepare", path, "-o", tmp_path / "out", "--threads", "1", "--json", "--quiet"]
    code, text, error = call(capsys, *words)
    assert (code, error) == (0, "")
    facts = json.loads(text)
    assert facts["n_vars"] == N_VARS - 1
    assert any("min_cells" in json.dumps(step) or "fewer than" in json.dumps(step) for step in facts["steps"])
