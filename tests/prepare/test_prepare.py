"""The road as a whole: known answers, and equality in memory and on disk."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import DataWarning, InputError
from acyclome.io.inspection import inspect
from acyclome.io.store import Store
from acyclome.options.sections import Input
from acyclome.prepare import list_groups, prepare, prepare_to_store
from acyclome.prepare.strangers import odd_observations

PLAIN = {"transform": "none"}
TOTALS = {"normalize": True}  # auto does without them in so few genes
# How many decimals float32 leaves after a sum of some thousands and a logarithm.
FLOAT32 = 2e-6


def config(seed=0, **options):
    read = {name: options.pop(name) for name in options.keys() & Input.model_fields.keys()}
    return Config(seed=seed, input=read, prepare={**PLAIN, **options})


def dense(X):
    return X.toarray() if sp.issparse(X) else X


def test_normalised_logarithms_equal_those_of_scanpy(adata):
    import scanpy

    theirs = anndata.AnnData(sp.csr_matrix(adata.X).copy(), var=adata.var.copy())
    scanpy.pp.filter_genes(theirs, min_cells=10)
    scanpy.pp.normalize_total(theirs, target_sum=1e4)
    scanpy.pp.log1p(theirs)
    ours = prepare(adata, config(**TOTALS))
    assert ours.genes == list(theirs.var_names)
    np.testing.assert_allclose(dense(ours.X), theirs.X.toarray().T, rtol=FLOAT32)
    assert ours.X.dtype == np.float32


def test_an_empty_target_is_the_median_of_the_totals(adata):
    import scanpy

    theirs = anndata.AnnData(sp.csr_matrix(adata.X).copy())
    scanpy.pp.normalize_total(theirs)
    ours = prepare(adata, config(target_sum=None, min_cells=0, log=False, **TOTALS))
    np.testing.assert_allclose(dense(ours.X), theirs.X.toarray().T, rtol=FLOAT32)


def test_highly_variable_genes_are_those_of_scanpy(adata):
    import scanpy

    ours = prepare(adata, config(n_top_genes=12, **TOTALS))
    theirs = anndata.AnnData(dense(prepare(adata, config(**TOTALS)).X).T.copy())
    theirs.uns["log1p"] = {}
    theirs.var_names = prepare(adata, config(**TOTALS)).genes
    scanpy.pp.highly_variable_genes(theirs, n_top_genes=12, flavor="seurat")
    assert len(ours.genes) == 12  # scanpy also keeps genes that tie with the last
    assert set(ours.genes) <= set(theirs.var_names[theirs.var["highly_variable"]])
    assert ours.facts["steps"][-2]["step"] == "top_genes"
    assert "hidden common causes" in " ".join(ours.facts["warnings"])


def test_sparse_stays_sparse_and_dense_is_c_ordered_gene_major(adata):
    prepared = prepare(adata, config(**TOTALS))
    is_sparse = sp.issparse(adata.X) and adata.X.nnz < 0.5 * adata.n_obs * adata.n_vars
    assert sp.issparse(prepared.X) == is_sparse
    assert prepared.X.shape == (len(prepared.genes), len(prepared.observations))
    if not is_sparse:
        assert prepared.X.flags.c_contiguous


def test_every_gene_that_falls_out_is_counted(adata):
    seen = np.asarray((adata.X > 0).sum(axis=0)).ravel()
    prepared = prepare(adata, config(min_cells=60))
    assert prepared.genes == list(adata.var_names[seen >= 60])
    step = next(step for step in prepared.facts["steps"] if step["step"] == "filter_genes")
    assert step["genes_dropped"] == int((seen < 60).sum())
    assert step["n_vars"] == len(prepared.genes) == prepared.facts["n_vars"]
    assert prepared.facts["n_vars_input"] == adata.n_vars


def test_all_zero_genes_fall_to_the_filter_and_are_named(adata):
    X = dense(adata.X).copy()
    X[:, [3, 8]] = 0
    step = prepare(anndata.AnnData(X, var=adata.var.copy()), config()).facts["steps"][1]
    assert "2 of them zero everywhere (GENE3A, GENE8A)" in step["what"]


def test_logarithms_are_used_as_they_are_and_only_counts_are_normalised(adata):
    logged = np.log1p(dense(adata.X) / dense(adata.X).sum(axis=1, keepdims=True) * 1e4)
    prepared = prepare(anndata.AnnData(logged.astype(np.float32)), config(min_cells=0))
    np.testing.assert_array_equal(dense(prepared.X), logged.astype(np.float32).T)
    assert [step["step"] for step in prepared.facts["steps"]] == ["read", "filter_genes", "transform"]


@pytest.mark.parametrize("kind", ["Antibody Capture", "Peaks", "CRISPR Guide Capture", "protein"])
def test_features_that_are_no_genes_by_their_kind_are_left_out_and_said(kind):
    adata = anndata.AnnData(np.random.default_rng(4).poisson(5.0, (40, 6)).astype(np.float32))
    adata.var_names = ["SPI1", "LYZ", "CD4", "HBB", "CD8A", "CD3E"]
    adata.var["feature_types"] = ["Gene Expression"] * 4 + [kind] * 2
    prepared = prepare(adata)
    assert prepared.genes == ["SPI1", "LYZ", "CD4", "HBB"]
    for told in (prepared.facts["warnings"], inspect(adata).warnings):
        assert f"2 features are no genes but {kind}, left out: CD8A, CD3E." in told
    assert prepare(adata[:, 4:].copy(), config(min_cells=0)).genes == ["CD8A", "CD3E"]


def test_an_observation_that_outweighs_all_others_is_named():
    X = np.random.default_rng(4).poisson(5.0, (40, 6)).astype(np.float32)
    adata = anndata.AnnData(np.vstack([X, X.sum(axis=0)]))
    adata.obs_names = [*(f"s{i}" for i in range(40)), "all of them"]
    (text,) = [text for text in prepare(adata).facts["warnings"] if "as much as all others together" in text]
    assert "'all of them'" in text
    assert odd_observations(X.T, list("abcdefgh" * 5)) == []


def test_learn_says_of_observations_that_are_copies_or_giants():
    X = np.random.default_rng(4).normal(size=(30, 24))
    with pytest.warns(DataWarning, match="30 observations have all values of another one"):
        ac.learn(np.vstack([X, X]), n_resamples=0)
    with pytest.warns(DataWarning, match="'29' holds as much as all others together"):
        ac.learn(np.vstack([X[:-1], 1e6 * X[-1:]]), n_resamples=0)


def test_a_layer_and_raw_can_be_chosen_and_counts_are_preferred(adata):
    X = dense(adata.X)
    logged = np.log1p(X / X.sum(axis=1, keepdims=True) * 1e4)
    several = anndata.AnnData((logged - logged.mean(axis=0)) / logged.std(axis=0), var=adata.var.copy())
    several.layers["counts"] = X.copy()
    several.raw = anndata.AnnData(logged, var=adata.var.copy())
    matrices = {layer: prepare(several, config(layer=layer)).facts["matrix"] for layer in (None, "X", "raw", "counts")}
    assert matrices == {None: "counts", "X": "X", "raw": "raw", "counts": "counts"}
    np.testing.assert_allclose(dense(prepare(several, config(layer="raw", min_cells=0)).X), logged.T, rtol=FLOAT32)


def test_a_group_is_prepared_as_if_it_were_alone(adata):
    chosen = prepare(adata, config(group_by="type", group="NK/T"))
    alone = prepare(adata[adata.obs["type"] == "NK/T"].copy(), config())
    np.testing.assert_array_equal(dense(chosen.X), dense(alone.X))
    assert chosen.observations == alone.observations
    assert list_groups(adata, "type") == {"B": 40, "NK/T": 40, "T": 40}
    assert chosen.facts["steps"][1]["obs_dropped"] == 80


def test_a_gene_that_is_constant_within_a_group_is_left_out_there_and_named(adata):
    X = dense(adata.X).copy()
    X[adata.obs["type"] == "B", 5] = 2
    X[0, 5] = 2
    part = anndata.AnnData(X, obs=adata.obs.copy(), var=adata.var.copy())
    prepared = prepare(part, config(group_by="type", group="B", normalize=False, log=False))
    assert "GENE5A" not in prepared.genes
    assert any("GENE5A" in step["what"] for step in prepared.facts["steps"] if step["step"] == "constant_genes")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"transform": "rank"},
        {"transform": "auto"},
        {"covariates": ("batch", "depth")},
        {"covariates": ("batch",), "transform": "rank"},
        {"metacells": 4},
        {"group_by": "type", "group": "T"},
    ],
)
@pytest.mark.parametrize("name", ["a.h5ad", "a.zarr"])
def test_the_store_holds_what_memory_holds(adata, tmp_path, options, name):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (adata.write_zarr if name.endswith("zarr") else adata.write_h5ad)(tmp_path / name)
    in_memory = prepare(adata, config(**options))
    facts = prepare_to_store(tmp_path / name, tmp_path / "prepared.h5", config(**options))
    with Store.open(tmp_path / "prepared.h5") as store:
        np.testing.assert_array_equal(store.block(0, store.n_vars), dense(in_memory.X))
        assert (store.genes, store.observations) == (in_memory.genes, in_memory.observations)
        assert store.facts["steps"] == in_memory.facts["steps"]
        assert store.digest == facts["digest"]
        pd.testing.assert_frame_equal(store.obs_columns, in_memory.obs_columns, check_names=False)


def test_a_failing_preparation_leaves_no_file(adata, tmp_path):
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InputError):
        prepare_to_store(tmp_path / "a.h5ad", tmp_path / "prepared.h5", config(covariates=("sex",)))
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]


def test_the_same_seed_gives_the_same_bits(adata):
    options = {"metacells": 3, "transform": "auto"}
    first, second = (prepare(adata, config(seed=4, **options)) for _ in range(2))
    np.testing.assert_array_equal(dense(first.X), dense(second.X))
    assert first.facts == second.facts


@settings(max_examples=20)
@given(seed=st.integers(0, 50), density=st.floats(0.2, 1.0))
def test_dense_and_sparse_input_agree(seed, density):
    rng = np.random.default_rng(seed)
    X = (rng.poisson(3.0, (30, 12)) * (rng.random((30, 12)) < density)).astype(np.float32)
    X[:, 0] = np.arange(30)
    X[:, 1] = np.arange(30)[::-1]
    options = config(min_cells=2, covariates=(), transform="none")
    found = [dense(prepare(anndata.AnnData(make(X)), options).X) for make in (np.array, sp.csr_matrix, sp.csc_matrix)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=FLOAT32)


def test_facts_say_what_was_done_in_the_order_it_was_done(adata):
    prepared = prepare(adata, config(covariates=("batch",), transform="rank", n_top_genes=20, metacells=2, **TOTALS))
    steps = [step["step"] for step in prepared.facts["steps"]]
    assert steps == ["read", "filter_genes", "metacells", "normalize", "log", "top_genes", "transform", "covariates"]
    assert prepared.facts["transform"] == "rank"
    assert prepared.facts["kind"] == "counts"
    assert prepared.facts["n_effective"] == prepared.facts["n_obs"] - 1
    assert all({"what", "n_obs", "n_vars"} <= set(step) for step in prepared.facts["steps"])
