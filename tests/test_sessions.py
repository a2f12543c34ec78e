"""The sessions of a first day, as one would type them: at a shell, and in a notebook beside scanpy."""

import json

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import acyclome as ac
from acyclome.cli import main

mpl.use("Agg")
FACTORS, OTHERS = ["SPI1", "CEBPA", "GATA1", "KLF1"], ["LYZ", "CST3", "HBB", "HBA1", "CD14", "FCGR3A"]
TYPES = ("CD14 Mono", "T/NK")


@pytest.fixture(scope="module")
def counts():
    """Counts of two cell types in two batches: SPI1 -> LYZ and CST3, GATA1 -> KLF1 -> HBB, by Ensembl ids."""
    from anndata import AnnData

    rng = np.random.default_rng(8)
    n, names = 400, [*FACTORS, *OTHERS]
    Z = pd.DataFrame(rng.normal(size=(n, len(names))), columns=names)
    Z["LYZ"] += 1.6 * Z["SPI1"]
    Z["CST3"] += 1.6 * Z["SPI1"]
    Z["KLF1"] += 1.6 * Z["GATA1"]
    Z["HBB"] += 1.6 * Z["KLF1"]
    kind, batch = rng.integers(0, 2, n), rng.integers(0, 2, n)
    Z["CD14"] += 2.0 * kind
    Z["HBA1"] += 1.5 * batch
    X = rng.poisson(np.exp(3.0 + 0.5 * Z.to_numpy())).astype(np.float32)
    obs = pd.DataFrame({"cell_type": [TYPES[k] for k in kind], "batch": [f"b{k}" for k in batch]})
    obs.index = [f"cell_{k}" for k in range(n)]
    var = pd.DataFrame({"gene_symbol": names}, index=[f"ENSG{k:011d}" for k in range(len(names))])
    return AnnData(np.log1p(X), obs=obs, var=var, layers={"counts": X})


def test_a_session_beside_scanpy(counts, tmp_path):
    import anndata

    adata = counts.copy()
    rng = np.random.default_rng(0)
    adata.obsm["X_umap"] = rng.normal(size=(adata.n_obs, 2))
    ac.settings.verbosity = 0
    try:
        ac.pp.prepare(adata, layer="counts", covariates=["batch"])  # recorded, no silent subset
        known = pd.DataFrame({"source": ["SPI1"], "target": ["LYZ"], "kind": ["known"]})
        options = {"groupby": "cell_type", "joint": True, "n_resamples": 4, "device": "auto", "random_state": 0}
        ac.tl.dag(adata, layer="dag_input", knowledge=known, regulators="human", **options)
    finally:
        ac.settings.verbosity = 1
    for group in TYPES:
        assert ac.pl.convergence(adata, group=group).lines
        assert ac.pl.edge_stability(adata, group=group).lines
        ax = ac.pl.neighborhood(adata, "SPI1", depth=2, min_stability=0.8, group=group)
        assert {"SPI1", "LYZ", "CST3"} <= {text.get_text() for text in ax.texts}
    edges = ac.get.edges(adata, group="CD14 Mono", min_stability=0.8)
    pairs = set(zip(edges["source_symbol"], edges["target_symbol"], strict=True))
    assert {("SPI1", "LYZ"), ("SPI1", "CST3")} <= pairs
    assert edges["source_symbol"].isin(FACTORS).all()
    assert edges.loc[edges["target_symbol"] == "LYZ", "prior"].str.contains("known").all()
    assert ac.tl.compare(adata, *TYPES)["q"].between(0, 1).all()
    assert ac.tl.predict(adata, knockout="SPI1", group="shared")["symbol"][0] == "SPI1"
    adata.write_h5ad(tmp_path / "pbmc_dag.h5ad")  # everything is inside
    again = anndata.read_h5ad(tmp_path / "pbmc_dag.h5ad")
    for group in (*TYPES, "shared"):
        assert_frame_equal(ac.get.edges(again, group=group), ac.get.edges(adata, group=group))
    assert_frame_equal(ac.tl.compare(again, *TYPES), ac.tl.compare(adata, *TYPES))
    predicted = ac.tl.predict(again, knockout="SPI1", group="T/NK")
    assert predicted[["low", "high"]].notna().all().all()
    assert_frame_equal(predicted, ac.tl.predict(adata, knockout="SPI1", group="T/NK"))


def test_a_session_at_a_shell(counts, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    counts.write_h5ad("pbmc.h5ad")

    def shell(words):
        code = main(words.split())
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out, said.err

    assert "Use --layer counts" in shell("inspect pbmc.h5ad")[0]
    assert "memory" in shell("plan pbmc.h5ad --layer counts")[0].lower()
    run = "run pbmc.h5ad --layer counts --regulators human --covariates batch --resamples 4 --threads 1 -o run1"
    said = shell(run)[1]
    assert "WARNING" not in said
    first = (tmp_path / "run1" / "edges.tsv.gz").read_bytes()
    assert "kept" in shell(f"{run} --resume")[1]
    assert (tmp_path / "run1" / "edges.tsv.gz").read_bytes() == first
    page = shell("explain run1 --gene SPI1")[0]
    assert page.startswith("SPI1 (ENSG00000000000): ")
    assert "\n  LYZ " in page
    for name in ("net.graphml", "net.h5ad", "edges.tsv.gz"):
        shell(f"export run1 -o {name} --quiet")
        assert (tmp_path / name).is_file()
    facts = json.loads(shell("predict run1 --knockout SPI1 --json")[0])
    assert facts["changes"][0]["symbol"] == "SPI1"
    assert_frame_equal(ac.read("net.h5ad").edges, ac.read("run1").edges)
