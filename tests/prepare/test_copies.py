"""Genes that are copies of others: found at any scale and sign, left out, and told."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.prepare import prepare
from acyclome.prepare.copies import find_copies


@pytest.fixture(scope="module")
def X():
    values = np.random.default_rng(17).normal(size=(40, 200))
    values.flags.writeable = False
    return values


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize(
    "make", [lambda x: x, lambda x: 7 * x, lambda x: 3 - 2 * x, lambda x: 1e-3 * x, lambda x: x + 50]
)
def test_a_copy_at_any_scale_is_found_and_nothing_else(X, make, kind):
    with_copies = np.vstack([X, make(X[3]), make(make(X[3])), make(X[7])]).astype(kind)
    first = find_copies(with_copies)
    assert first.tolist() == [*range(40), 3, 3, 7]


def test_copies_among_sparse_counts_are_found(X):
    counts = np.random.default_rng(3).poisson(0.3, size=(60, 150)).astype(np.float32)
    counts[50], counts[20] = 2 * counts[4], counts[4]
    first = find_copies(sp.csr_matrix(counts))
    assert np.array_equal(first, find_copies(counts))
    assert np.flatnonzero(first != np.arange(60)).tolist() == [20, 50]


def test_what_is_nearly_a_copy_is_none(X):
    near = X[3] + 1e-3 * np.random.default_rng(0).normal(size=200)
    assert find_copies(np.vstack([X, near])).tolist() == list(range(41))


@pytest.mark.parametrize("scale", [1e3, 1e8])
def test_genes_that_one_observation_alone_makes_alike_are_no_copies(X, scale):
    far = X.copy()
    far[:, 7] *= scale
    assert np.flatnonzero(find_copies(np.vstack([far, 2 * far[3] + 1])) != np.arange(41)).tolist() == [40]


def test_the_network_of_data_with_copies_is_that_without_and_they_are_told(X):
    genes = [f"G{j}" for j in range(8)]
    Z = X[:8].T.copy()
    Z[:, 1] += Z[:, 0]
    Z[:, 2] -= Z[:, 1]
    bare = ac.learn(Z, genes, resamples=4)
    both = ac.learn(np.column_stack([Z, 1 - 2 * Z[:, 1], Z[:, 1]]), [*genes, "C1", "C2"], resamples=4)
    pd.testing.assert_frame_equal(both.edges, bare.edges)
    (text,) = both.facts["warnings"]
    assert "2 genes are copies of others" in text
    assert "C1 of G1, C2 of G1" in text
    with pytest.raises(InputError, match="1 gene"):
        ac.learn(Z[:, [0, 0]], resamples=0)


def test_proportional_counts_are_copies_and_stay_in_the_totals():
    counts = np.random.default_rng(5).poisson(8, size=(80, 12)).astype(np.float32)
    counts[:, 5] = 2 * counts[:, 1]
    adata = anndata.AnnData(counts, var=pd.DataFrame(index=[f"G{j}" for j in range(12)]))
    done = prepare(adata, Config.from_mapping({"prepare": {"min_cells": 0, "transform": "none", "normalize": True}}))
    assert done.genes == [f"G{j}" for j in range(12) if j != 5]
    assert any("G5 of G1" in text for text in done.facts["warnings"])
    whole = np.log1p(counts[:, 0] / counts.sum(axis=1) * 1e4)
    np.testing.assert_allclose(np.corrcoef(done.X[0], whole)[0, 1], 1.0, atol=1e-6)
