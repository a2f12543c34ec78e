"""Sparse counts of cells, drawn block by block."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.evaluate.atlas import BLOCK, Atlas
from acyclome.io.growing import write_rows

N = 3 * BLOCK + 100


@pytest.fixture(scope="module")
def atlas():
    return Atlas.draw(300, filled=0.05, programs=2, seed=3)


@pytest.fixture(scope="module")
def counts(atlas):
    return sp.vstack(list(atlas.blocks(N)), format="csr")


def test_the_share_that_was_asked_for_is_filled(counts):
    assert counts.nnz / np.prod(counts.shape) == pytest.approx(0.05, rel=0.05)
    assert counts.data.min() == 1
    assert (counts.data == np.round(counts.data)).all()


def test_genes_have_their_means(atlas, counts):
    found, n = np.asarray(counts.mean(axis=0)).ravel(), counts.shape[0]
    often = atlas.mean > 0.1
    assert np.abs(found / atlas.mean - 1)[often].mean() < 3 / np.sqrt(0.1 * n)
    assert found.sum() == pytest.approx(atlas.mean.sum(), rel=0.1)


def test_the_first_cells_are_those_of_a_larger_atlas(atlas, counts):
    few = sp.vstack(list(atlas.blocks(BLOCK + 7)), format="csr")
    assert (few != counts[: BLOCK + 7]).nnz == 0
    assert (sp.vstack(list(Atlas.draw(300, filled=0.05, programs=2, seed=4).blocks(9))) != counts[:9]).nnz > 0


def test_a_target_follows_its_regulator_and_edges_make_no_circle(atlas):
    source, target, _weight = atlas.edges
    assert len(source)
    assert (source != target).all()
    assert np.isin(source, atlas.regulators).all()
    place = {gene: k for k, gene in enumerate(atlas.regulators.tolist())}
    assert all(place[s] < place.get(t, len(place)) for s, t in zip(source.tolist(), target.tolist(), strict=True))
    dense = np.log1p(sp.vstack(list(Atlas.draw(60, filled=0.9, seed=1).blocks(4 * BLOCK))).toarray())
    s, t, w = Atlas.draw(60, filled=0.9, seed=1).edges
    r = np.corrcoef(dense.T)[s, t]
    strong = np.abs(w) > 0.6
    assert (np.sign(r) == np.sign(w))[strong].mean() > 0.8


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_a_file_has_the_cells_that_were_drawn(tmp_path, atlas, counts, suffix):
    import anndata

    path = tmp_path / f"cells.{suffix}"
    obs, var = (pd.DataFrame(index=[f"{k}" for k in range(size)]) for size in counts.shape)
    assert write_rows(path, atlas.blocks(N), obs=obs, var=var, uns={}) == counts.nnz
    read = (anndata.read_h5ad if suffix == "h5ad" else anndata.read_zarr)(path)
    assert (counts != read.X).nnz == 0
    assert read.X.dtype == np.float32


@pytest.mark.parametrize("wrong", [{"filled": 1.5}, {"degree": -1.0}, {"programs": -1}])
def test_numbers_outside_their_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected|between|from|at least"):
        Atlas.draw(50, **wrong)
