"""The cells on which the examples of docstrings run, and on which a reader may repeat them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from anndata import AnnData

from acyclome.evaluate.modules import simulate_modules

GENES = ["SPI1", "CEBPA", "GATA1", "KLF1", "LYZ", "CST3", "HBB", "HBA1", "CD14", "FCGR3A"]
TYPES = ("CD14 Mono", "CD16 Mono")


def draw(n_cells: int = 400, seed: int = 8) -> AnnData:
    """Draw counts of ten genes in cells of two types: SPI1 acts on LYZ, in one on CST3, and GATA1 on KLF1 on HBB."""
    rng = np.random.default_rng(seed)
    Z = pd.DataFrame(rng.normal(size=(n_cells, len(GENES))), columns=GENES)
    kind, batch = rng.integers(0, 2, n_cells), rng.integers(0, 2, n_cells)
    Z["LYZ"] += 1.6 * Z["SPI1"]
    Z["CST3"] += 1.6 * Z["SPI1"] * kind  # in CD16 Mono alone
    Z["KLF1"] += 1.6 * Z["GATA1"]
    Z["HBB"] -= 1.6 * Z["KLF1"]
    Z["HBA1"] += 1.5 * batch
    counts = rng.poisson(np.exp(3.0 + 0.5 * Z.to_numpy())).astype(np.float32)
    obs = pd.DataFrame({"cell_type": [TYPES[k] for k in kind], "batch": [f"b{k}" for k in batch]})
    obs.index = [f"cell_{k}" for k in range(n_cells)]
    adata = AnnData(np.log1p(counts), obs=obs, var=pd.DataFrame(index=GENES), layers={"counts": counts})
    adata.obsm["X_umap"] = Z[["SPI1", "GATA1"]].to_numpy() + rng.normal(scale=0.3, size=(n_cells, 2))
    return adata


def draw_modules() -> AnnData:
    """Draw cells in which genes are moved by four modules."""
    drawn = simulate_modules(60, 400, n_modules=4, seed=5)
    return AnnData(drawn.X, var=pd.DataFrame(index=drawn.genes))
