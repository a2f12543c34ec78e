"""Which matrix is taken when none is named: a table of situations, which a new one extends by a line."""

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from acyclome.io.choice import choose_matrix
from acyclome.io.inspection import inspect

N, D = 120, 40
RNG = np.random.default_rng(11)


def draw_counts():
    level = np.exp(RNG.normal(0.7, 0.7, (N, 3)) @ RNG.normal(0, 0.7, (3, D)) + RNG.normal(0.5, 1.0, D))
    return RNG.poisson(level * RNG.uniform(0.5, 2.0, (N, 1))).astype(np.float32)


def log_of(C, base=np.log1p):
    return base(C / np.maximum(C.sum(axis=1, keepdims=True), 1) * 1e4).astype(np.float32)


def scaled(X):
    return ((X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-6)).clip(-10, 10).astype(np.float32)


C = draw_counts()
SPLICED = RNG.binomial(C.astype(int), 0.7).astype(np.float32)
UNSPLICED = RNG.binomial((C - SPLICED).astype(int), 0.6).astype(np.float32)
REST = C - SPLICED - UNSPLICED
CODES = np.repeat(RNG.integers(0, 9, (N, 1)), D, axis=1).astype(np.float32)
AMBIENT = RNG.poisson(1.0, C.shape).astype(np.float32)
SHARES = RNG.dirichlet(np.ones(D), N).astype(np.float32)
RANKS = np.argsort(np.argsort(RNG.random(C.shape), axis=1), axis=1).astype(np.float32)
LOG = log_of(C)

# X, layers (and raw), what is taken, and a word of what is said (empty: nothing is).
SITUATIONS = {
    "velocyto": (LOG, {"ambiguous": REST, "matrix": C, "spliced": SPLICED, "unspliced": UNSPLICED}, "matrix", ""),
    "scvelo": (SPLICED, {"spliced": SPLICED, "unspliced": UNSPLICED}, "X", ""),
    "kallisto": (0 * C, {"ambiguous": REST, "mature": SPLICED, "nascent": UNSPLICED}, "mature", "a part of all reads"),
    "velocity without totals": (LOG, {"spliced": SPLICED, "unspliced": UNSPLICED}, "X", "nothing says"),
    "made of the spliced": (log_of(SPLICED), {"ambiguous": REST, "spliced": SPLICED, "matrix": C}, "spliced", ""),
    "a mask first": (LOG, {"detected": (C > 3).astype(np.int8), "counts": C}, "counts", ""),
    "a mask alone": (LOG, {"detected": C > 3}, "X", ""),
    "a mask called counts": (LOG, {"counts": (C > 3).astype(np.int8)}, "X", "only 0 and 1"),
    "an empty layer": (LOG, {"counts": 0 * C}, "X", "zero everywhere"),
    "ambient": (LOG, {"ambient": AMBIENT}, "X", ""),
    "ambient of another name": (LOG, {"profile": AMBIENT}, "X", "nothing says"),
    "ambient called counts": (LOG, {"counts": AMBIENT}, "X", "nothing says"),
    "one profile for all": (LOG, {"counts": np.tile(C[0] + 1, (N, 1))}, "X", "one value for each gene"),
    "cluster codes": (LOG, {"clusters": CODES}, "X", ""),
    "codes of another name": (LOG, {"a": CODES}, "X", ""),
    "ranks": (LOG, {"order": RANKS}, "X", "nothing says"),
    "counts of other cells": (LOG, {"counts": C[::-1]}, "X", "nothing says"),
    "probabilities": (scaled(LOG), {"soft": SHARES}, "X", "values below zero"),
    "counts with no name": (LOG, {"a": C}, "a", ""),
    "counts of scanpy": (LOG, {"counts": C}, "counts", ""),
    "counts of Seurat": (scaled(LOG), {"RNA_counts": C, "data": LOG}, "RNA_counts", ""),
    "counts named twice": (scaled(LOG), {"counts": C, "raw_counts": SPLICED}, "counts", "raw_counts holds other"),
    "logarithms of base 2": (log_of(C, lambda X: np.log2(1 + X)), {"c": C, "d": SPLICED}, "c", ""),
    "no logarithm": (C / C.sum(axis=1, keepdims=True) * 1e4, {"c": C}, "c", ""),
    "roots": (np.sqrt(C / C.sum(axis=1, keepdims=True)), {"c": C}, "c", ""),
    "logarithms beside scaled": (scaled(LOG), {"lognorm": LOG}, "lognorm", ""),
    "raw logarithms": (scaled(LOG), {"raw": LOG}, "raw", ""),
    "raw counts": (LOG, {"raw": C}, "raw", ""),
    "a raw mask": (LOG, {"raw": (C > 0) * 1.0}, "X", "only 0 and 1"),
    "X with gaps": (np.where(C > 20, np.nan, LOG), {"counts": C}, "counts", "missing"),
    "X a mask": ((C > 0) * 1.0, {"counts": C}, "counts", "X holds only 0 and 1"),
    "X of counts": (C, {"log": LOG}, "X", ""),
    "other counts": (C, {"counts": SPLICED}, "X", "with other values"),
    "no X": (None, {"log": LOG, "counts": C}, "counts", "no X"),
}


def annotated(X, layers):
    layers = dict(layers)
    raw = layers.pop("raw", None)
    genes = pd.DataFrame(index=[f"GENE{i}A" for i in range(D)])
    adata = anndata.AnnData(X, obs=pd.DataFrame(index=[f"cell_{i}" for i in range(N)]), var=genes, layers=layers)
    if raw is not None:
        more = (sp.hstack if sp.issparse(raw) else np.hstack)([raw, raw[:, :5]])  # X was cut to fewer genes
        more = more.tocsr() if sp.issparse(more) else more
        names = pd.DataFrame(index=[*genes.index, *(f"MORE{i}A" for i in range(5))])
        adata.raw = anndata.AnnData(more, obs=adata.obs, var=names)
    return adata


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix], ids=["dense", "sparse"])
@pytest.mark.parametrize("case", SITUATIONS)
def test_what_is_taken_holds_expression_and_is_what_the_others_were_made_of(case, make):
    X, layers, expected, said = SITUATIONS[case]
    adata = annotated(None if X is None else make(X), {name: make(values) for name, values in layers.items()})
    choice, inspection = choose_matrix(adata), inspect(adata)
    assert (choice.facts.name, inspection.recommended) == (expected, expected)
    assert inspection.why == choice.why
    assert said in " ".join(inspection.warnings)
    assert bool(said) or not choice.doubts


def test_raw_whose_genes_are_numbered_is_not_taken():
    adata = annotated(LOG, {"raw": C})
    var = pd.DataFrame(index=[str(i) for i in range(D)])
    adata.raw = anndata.AnnData(C, obs=adata.obs, var=var)
    assert choose_matrix(adata).facts.name == "X"


def test_what_is_named_is_taken_whatever_it_holds():
    assert choose_matrix(annotated(LOG, {"ambient": AMBIENT}), "ambient").facts.name == "ambient"


def test_the_reason_says_how_the_others_were_made():
    assert "X is log(1 + x) of a multiple" in choose_matrix(annotated(LOG, {"counts": C})).why
