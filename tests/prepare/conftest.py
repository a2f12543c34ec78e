"""Small expression data for the preparation; arrays are read-only, so that a write into an argument fails."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

N_OBS, N_VARS = 120, 40


def freeze(X):
    for array in (X.data, X.indices, X.indptr) if sp.issparse(X) else (X,):
        array.flags.writeable = False
    return X


def annotated(X, **columns):
    obs = pd.DataFrame(columns, index=[f"cell_{i}" for i in range(X.shape[0])])
    return anndata.AnnData(freeze(X), obs=obs, var=pd.DataFrame(index=[f"GENE{i}A" for i in range(X.shape[1])]))


def counts(seed=7, n_obs=N_OBS, n_vars=N_VARS):
    """Counts with two batches, three types of cells, and genes from rare to frequent."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.normal(0.0, 1.0, n_vars))[None, :] * rng.gamma(5.0, 0.2, n_obs)[:, None]
    return rng.poisson(level).astype(np.float32)


@pytest.fixture(params=["dense", "csr", "csc"])
def adata(request):
    X = {"dense": np.array, "csr": sp.csr_matrix, "csc": sp.csc_matrix}[request.param](counts())
    types = pd.Categorical(["B", "T", "NK/T"] * (N_OBS // 3))
    batch = np.where(np.arange(N_OBS) % 2, "x", "y")
    return annotated(X, type=types, batch=batch, depth=counts().sum(axis=1))
