"""Preparation on an AnnData: a layer of the same size, and a record."""

import inspect

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome import pp
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.prepare import prepare


def example(make=sp.csr_matrix):
    X = np.random.default_rng(3).poisson(np.linspace(0.02, 2.0, 15), (60, 15)).astype(np.float32)
    obs = pd.DataFrame({"batch": ["x", "y"] * 30}, index=[f"c{i}" for i in range(60)])
    return anndata.AnnData(make(X), obs=obs, var=pd.DataFrame(index=[f"GENE{i}A" for i in range(15)]))


def test_its_options_are_named_with_their_defaults_for_notebooks_to_complete():
    named = inspect.signature(pp.prepare).parameters
    assert {"layer", "covariates", "transform"} <= set(named)
    assert named["min_cells"].default == Config().prepare.min_cells
    assert "pseudobulk_by" not in named  # it would move the observations


@pytest.mark.parametrize("make", [np.array, sp.csr_matrix])
@pytest.mark.parametrize("options", [{}, {"covariates": ["batch"]}, {"transform": "rank"}])
def test_the_layer_is_the_prepared_matrix_in_place_of_its_genes(make, options, tmp_path):
    adata = example(make)
    before = adata.X.copy()
    assert pp.prepare(adata, **options) is None
    expected = prepare(example(make), Config(prepare=options))
    used = adata.var["dag_used"].to_numpy()
    layer = adata.layers["dag_input"]
    values, wanted = (X.toarray() if sp.issparse(X) else X for X in (layer, expected.X))
    np.testing.assert_array_equal(values[:, used], wanted.T)
    assert not values[:, ~used].any()
    assert list(adata.var_names[used]) == expected.genes
    assert 0 < used.sum() < 15
    np.testing.assert_array_equal(*(X.toarray() if sp.issparse(X) else X for X in (adata.X, before)))
    assert sp.issparse(layer) == sp.issparse(expected.X)
    assert adata.uns["dag_prepare"]["steps"][0].startswith("read: matrix X, counts")
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert anndata.read_h5ad(tmp_path / "a.h5ad").uns["dag_prepare"]["n_vars"] == used.sum()


def test_a_copy_leaves_the_original_alone():
    adata = example()
    copied = pp.prepare(adata, copy=True, min_cells=5)
    assert "dag_input" in copied.layers
    assert "dag_input" not in adata.layers
    assert "dag_used" not in adata.var


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metacells": 5}, "metacells changes the observations"),
        ({"pseudobulk_by": "batch"}, "aggregate"),
        ({"group_by": "batch", "group": "x"}, r"group changes the observations.*\.copy\(\)"),
        ({"min_cell": 3}, "min_cell"),
        ({"layer": "log"}, "It has: X"),
    ],
)
def test_what_a_layer_cannot_hold_is_refused(options, message):
    adata = example()
    with pytest.raises(InputError, match=message):
        pp.prepare(adata, **options)
    assert "dag_input" not in adata.layers


def test_raw_with_more_genes_than_x_is_refused():
    adata = example()
    adata.raw = adata.copy()
    with pytest.raises(InputError, match=r"genes that were read \(of adata.raw\).*to_adata"):
        pp.prepare(adata[:, :10].copy(), layer="raw")
