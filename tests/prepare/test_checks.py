"""Matrices that are handed over in memory: what is refused, and that the answer names the fault."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.errors import InputError
from acyclome.prepare.checks import as_matrix, check_matrix
from acyclome.prepare.matrix import transposed

GENES = ("SPI1", "CEBPA", "LYZ", "GATA1")


def check(X, names):
    """Check observations x genes."""
    check_matrix(transposed(X), names)


def good():
    return np.random.default_rng(0).standard_normal((30, 4))


def with_value(value, column=2, rows=slice(None)):
    X = good()
    X[rows, column] = value
    return X


def test_a_good_matrix_passes_in_every_form():
    for X in (good(), good().astype(np.float32), np.asfortranarray(good()), (good() > 0).astype(int), good() > 0):
        check(X, GENES)
    for form in (sp.csr_matrix, sp.csc_matrix, sp.csr_array, sp.coo_matrix):
        check(*as_matrix(form(np.where(good() > 0, good(), 0)), GENES))


@pytest.mark.parametrize("form", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize(
    ("X", "names", "said"),
    [
        (good(), GENES[:3], ("(30, 4)", "3 gene names", "observations x genes")),
        (good()[:9], GENES, ("9 observations", "transposed")),
        (good()[:, :1], GENES[:1], ("1 gene.", "at least")),
        (good(), ("SPI1", "LYZ", "SPI1", "LYZ"), ("2 gene names", "SPI1, LYZ", "unique")),
        (with_value(np.nan, rows=slice(3)), GENES, ("3 missing values (NaN)", "observation '0', gene 'LYZ'")),
        (with_value(-np.inf, rows=4), GENES, ("1 infinite value", "observation '4', gene 'LYZ'")),
        (with_value(1e300, rows=4), GENES, ("1 value beyond 3.4e+38", "observation '4', gene 'LYZ'")),
        (good(), ("SPI1", "__no_feature", "LYZ", "nCount_RNA"), ("none of genes", "__no_feature, nCount_RNA")),
        (with_value(0.0), GENES, ("constant", "LYZ")),
        (with_value(7.5), GENES, ("constant", "LYZ")),
    ],
)
def test_a_wrong_matrix_is_refused_and_the_fault_named(form, X, names, said):
    with pytest.raises(InputError) as caught:
        check(form(X), names)
    for part in said:
        assert part in str(caught.value)


def test_what_lies_below_a_mask_is_missing():
    with pytest.raises(
        InputError, match=r"1 missing value .* observation '4', gene 'LYZ'. Expected numbers everywhere"
    ):
        check(*as_matrix(np.ma.masked_array(good(), with_value(1.0, rows=4) == 1.0), GENES))
    assert np.array_equal(as_matrix(np.ma.masked_array(good()), GENES)[0], good())


def test_a_table_with_genes_in_its_rows_is_refused():
    table = pd.DataFrame(
        good(), columns=["SPI1", "LYZ", "MYC", "TP53"], index=[f"cell_{i}" for i in range(len(good()))]
    )
    assert as_matrix(table, None)[1] == ["SPI1", "LYZ", "MYC", "TP53"]
    with pytest.raises(InputError, match=r"seems transposed.*SPI1.*cell_0.* Give X\.T instead"):
        as_matrix(table.T, None)


def test_text_is_no_expression():
    with pytest.raises(InputError, match=r"type <U|type object"):
        as_matrix(good().astype(str), GENES)


def test_a_vector_is_no_matrix():
    with pytest.raises(InputError, match="observations x genes"):
        as_matrix(np.arange(20.0), GENES)


def test_many_faults_are_shown_by_five_of_them():
    names = [f"g{i % 20}" for i in range(40)]
    with pytest.raises(InputError, match="g0, g1, g2, g3, g4 and 15 more"):
        check(np.random.default_rng(1).standard_normal((30, 40)), names)


def test_nothing_is_written_into_the_matrix():
    X = good()
    X.flags.writeable = False
    check(X, GENES)
