"""Inputs that cannot be learned from: each message says what, where, what was expected, and a way out."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.options.sections import Input
from acyclome.prepare import list_groups, prepare

GENES = [f"GENE{i}A" for i in range(8)]
CELLS = [f"cell_{i}" for i in range(30)]


def counts():
    return np.random.default_rng(2).poisson(3.0, (30, 8)).astype(np.float32)


def annotated(X):
    columns = {"type": ["B"] * 25 + ["T"] * 5, "age": [np.nan, *range(29)], "id": CELLS}
    obs = pd.DataFrame(columns, index=CELLS)
    return anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES))


def with_value(row, column, value):
    X = counts()
    X[row, column] = value
    return X


def with_column(column, value):
    X = counts()
    X[:, column] = value
    return X


CASES = {
    "nan": (
        with_value(4, 2, np.nan),
        {},
        ["1 missing value (NaN)", "cell_4", "GENE2A", "--missing drop-genes"],
    ),
    "infinite": (with_value(5, 3, np.inf), {}, ["1 infinite value", "cell_5", "GENE3A", "log(0)"]),
    "negative counts": (with_value(6, 1, -2), {}, ["-2", "GENE1A", "cell_6", "no counts", "--layer"]),
    "negative and log asked": (counts() - 1.5, {"log": True}, ["below zero", "log: false"]),
    "all-zero gene kept": (with_column(3, 0), {"min_cells": 0}, ["GENE3A", "0 everywhere", "--min-cells 1"]),
    "constant gene": (with_column(2, 7), {}, ["1 gene has the same value", "GENE2A", "7 everywhere", "Remove them"]),
    "all genes rare": (counts(), {"min_cells": 31}, ["0 of 8 genes", "31 of the 30", "Lower --min-cells"]),
    "wrong layer": (counts(), {"layer": "logcounts"}, ["'logcounts'", "It has: X", "acyclome inspect"]),
    "wrong column": (counts(), {"covariates": ("sex",)}, ["'sex'", "type, age, id", "covariates"]),
    "covariate with gaps": (counts(), {"covariates": ("age",)}, ["'age'", "1 of 30", "leave the covariate out"]),
    "too many labels": (counts(), {"covariates": ("id",)}, ["31 columns for 30 observations", "many labels"]),
    "wrong group column": (counts(), {"group_by": "kind", "group": "B"}, ["'kind'", "group_by", "type, age, id"]),
    "empty group": (counts(), {"group_by": "type", "group": "NK"}, ["'NK'", "empty", "B (25), T (5)", "--input.group"]),
    "small group": (counts(), {"group_by": "type", "group": "T"}, ["group 'T' of type has 5", "at least 10"]),
    "few pseudobulks": (counts(), {"pseudobulk_by": "type"}, ["pseudobulk has 2 observations", "at least 10"]),
    "few metacells": (counts(), {"metacells": 5}, ["metacells has 6 observations", "at least 10"]),
    "pseudobulk column": (counts(), {"pseudobulk_by": "donor"}, ["'donor'", "pseudobulk_by"]),
    "pseudobulk gaps": (counts(), {"pseudobulk_by": "age"}, ["1 observation has no label", "'age'"]),
    "variable genes of scaled": (counts() - 1.25, {"n_top_genes": 3}, ["n_top_genes: 3", "log-normalised"]),
}


@pytest.mark.parametrize("make", [np.array, sp.csr_matrix, sp.csc_matrix])
@pytest.mark.parametrize("case", CASES)
def test_a_wrong_input_is_refused_with_a_way_out(case, make):
    X, options, parts = CASES[case]
    read = {name: value for name, value in options.items() if name in Input.model_fields}
    options = {name: value for name, value in options.items() if name not in read}
    with pytest.raises(InputError) as caught:
        prepare(annotated(make(X)), Config(input=read, prepare=options))
    text = str(caught.value)
    assert [part for part in parts if part not in text] == []
    assert caught.value.exit_code == 2
    assert "Expected" in text or "It has" in text or "Columns" in text or "Labels" in text
    assert len(text) < 800


def test_three_cells_are_too_few():
    with pytest.raises(InputError, match=r"has 3 observations\. Expected at least 10"):
        prepare(anndata.AnnData(counts()[:3]))


def test_duplicate_names_are_refused_and_named():
    adata = annotated(counts())
    adata.var_names = ["GENE1A", "GENE1A", *GENES[2:]]
    with pytest.raises(InputError, match=r"1 gene name occurs more than once: GENE1A.*var_names_make_unique"):
        prepare(adata)


def test_whole_numbers_below_zero_may_be_used_as_they_are_when_asked():
    X = np.random.default_rng(3).integers(-4, 5, (30, 8)).astype(np.float32)
    prepared = prepare(
        annotated(X),
        Config().with_options({"prepare.normalize": False, "prepare.log": False, "prepare.transform": "none"}),
    )
    np.testing.assert_array_equal(prepared.X, X.T)


def test_labels_of_a_missing_column_are_not_guessed():
    with pytest.raises(InputError, match=r"'celltype'.*Columns: type, age, id"):
        list_groups(annotated(counts()), "celltype")
