"""The roads by which acyclome reads: for each, whole inputs, how they are damaged, and what is done with them.

A new reader is a line in ``ROADS``.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.digested import read_stage, write_record, write_stage
from acyclome.io.expression import inspect_expression, open_expression
from acyclome.io.formats import export
from acyclome.knowledge.edges import prior_of
from acyclome.knowledge.regulators import find_regulators
from acyclome.options import texts
from acyclome.pipeline.commands import Runtime, run_stage
from acyclome.prepare import list_groups, prepare
from benchmarks.fuzzing import hdf5
from benchmarks.fuzzing.mutations import Payload, in_arrays, in_bytes, in_text, in_tree, pick, value

N, D = 24, 6
GENES = ["SPI1", "CEBPA", "LYZ", "GATA1", "HBB", "TAL1"]
CELLS = [f"cell_{i}" for i in range(N)]
C = np.random.default_rng(5).poisson(3.0, (N, D)).astype(np.float32)
OPTIONS = {
    "input": {"perturbation": "target", "control": "ctrl"},
    "prepare": {"min_cells": 1, "covariates": ["batch"], "transform": "none"},
}
MARK = "a-pickle-was-executed"


@dataclass(frozen=True)
class Road:
    """One way in: ``make`` fills a folder with whole inputs, ``damage`` changes a copy of one, ``read`` uses it."""

    make: Callable[[Path], None]
    damage: Callable[[Path, np.random.Generator, Sequence[Path]], None]
    read: Callable[[Path], Any]
    inputs: str = "*"  # of what is in the folder


def read_expression(path: Path, options: Any = None) -> None:
    """Do with an expression file what a run does before it learns."""
    inspect_expression(path)
    adata = open_expression(path)
    if "target" in adata.obs:
        list_groups(adata, "target")
    done = prepare(adata, Config.from_mapping(OPTIONS if {"target", "batch"} <= set(adata.obs) else options))
    values = done.X.data if sp.issparse(done.X) else done.X
    if not np.isfinite(values).all():
        msg = "prepared values are not finite"
        raise AssertionError(msg)


def annotated(X: Any) -> anndata.AnnData:
    target = pd.Categorical(["ctrl", "SPI1", "LYZ"] * (N // 3))
    obs = pd.DataFrame({"target": target, "batch": ["x", "y"] * (N // 2), "age": np.arange(N) * 1.5}, index=CELLS)
    adata = anndata.AnnData(X, obs=obs, var=pd.DataFrame({"id": [f"ENSG{i:011d}" for i in range(D)]}, index=GENES))
    adata.layers["counts"] = adata.X.copy()
    adata.raw = adata.copy()
    adata.uns["colors"] = np.array(["red"])
    return adata


def make_anndata(folder: Path, form: Any, ending: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, X in (("a", C), ("b", np.log1p(C))):
            getattr(annotated(form(X)), f"write_{ending}")(folder / f"{name}.{ending}")


def make_tenx(folder: Path) -> None:
    import h5py

    S = sp.csc_matrix(C.T.astype(np.int32))
    for name, home in (("a.h5", "matrix"), ("b.h5", "GRCh38")):
        with h5py.File(folder / name, "w") as handle:
            group = handle.create_group(home)
            for name in ("data", "indices", "indptr"):
                group.create_dataset(name, data=getattr(S, name), compression="gzip")
            group["shape"], group["barcodes"] = np.array(S.shape), np.array(CELLS, "S")
            if home == "matrix":
                group["features/id"] = np.array([f"ENSG{i:011d}" for i in range(D)], "S")
                group["features/name"] = np.array(GENES, "S")
                group["features/feature_type"] = np.array(["Gene Expression"] * D, "S")
            else:
                group["genes"], group["gene_names"] = np.array(GENES, "S"), np.array(GENES, "S")


def damage_hdf5(path: Path, rng: np.random.Generator, others: Sequence[Path]) -> None:
    if rng.random() < 0.6:
        hdf5.in_hdf5(path, rng)
    if rng.random() < 0.5:
        path.write_bytes(in_bytes(path.read_bytes(), rng, pick(rng, others).read_bytes()))


def damage_zarr(path: Path, rng: np.random.Generator, _: Sequence[Path]) -> None:
    for copied in path.glob(".zmetadata"):  # what stands in the folders a second time
        copied.unlink()
    hdf5.in_folder(path, rng, hdf5.in_zarr_file)


def make_mtx(folder: Path) -> None:
    from scipy.io import mmwrite

    for name, is_packed, kind in (("a", False, "integer"), ("b", True, "integer"), ("c", False, "real")):
        home = folder / name
        home.mkdir()
        lines = io.BytesIO()
        mmwrite(lines, sp.coo_matrix(C.T.astype(int)), field=kind)
        features = [f"ENSG{i:011d}\t{gene}\tGene Expression" for i, gene in enumerate(GENES)]
        texts = {"matrix.mtx": lines.getvalue(), "features.tsv": "\n".join(features), "barcodes.tsv": "\n".join(CELLS)}
        for file, text in texts.items():
            content = text if isinstance(text, bytes) else f"{text}\n".encode()
            (home / f"{file}{'.gz' * is_packed}").write_bytes(gzip.compress(content) if is_packed else content)


def in_any_file(path: Path, data: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a text file, packed or not, changed as text or as bytes, before or after packing."""
    if path.suffix == ".gz" and rng.random() < 0.8:
        return gzip.compress(in_any_file(path.with_suffix(""), gzip.decompress(data), rng), 1)
    return in_text(data, rng) if rng.random() < 0.8 else in_bytes(data, rng)


def damage_folder(path: Path, rng: np.random.Generator, _: Sequence[Path]) -> None:
    hdf5.in_folder(path, rng, in_any_file)


def damage_file(path: Path, rng: np.random.Generator, others: Sequence[Path]) -> None:
    content = in_any_file(path, path.read_bytes(), rng)
    if rng.random() < 0.05:
        content += pick(rng, others).read_bytes()
    path.write_bytes(content)


def make_tables(folder: Path) -> None:
    table = pd.DataFrame(C, index=CELLS, columns=GENES)
    words = {
        "a.csv": table.to_csv(),
        "b.tsv": table.to_csv(sep="\t", index_label="gene"),
        "c.txt": table.to_csv(sep=" "),
        "d.csv": table.map(lambda x: f"{x:.2f}".replace(".", ",")).to_csv(sep=";"),
        "e.tsv": "# a comment\n" + table.T.to_csv(sep="\t"),
        "f.csv": "﻿" + table.to_csv(lineterminator="\r\n", index_label="barcode"),
    }
    for name, text in words.items():
        (folder / name).write_text(text, encoding="utf-8")
    with gzip.open(folder / "g.csv.gz", "wt") as stream:
        stream.write(words["a.csv"])


def read_table(path: Path) -> None:
    try:
        read_expression(path, {"prepare": {"min_cells": 1, "transform": "none"}})
    except InputError as error:
        if "seems transposed" not in str(error):
            raise
        inspect_expression(path, "rows")
        prepare(open_expression(path, "rows"), Config(prepare={"min_cells": 1, "transform": "none"}))


def make_lists(folder: Path) -> None:
    words = {
        "a.txt": "# factors\nSPI1\nGATA1\n",
        "b.csv": 'TF,family,"Is TF?"\nSPI1,ETS,Yes\nGATA1,GATA,No\n',
        "c.txt": "SPI1\tGATA1\tHBB\n",
        "d.gmt": "SPI1(+)\thttp\tLYZ\tHBB\nGATA1(-)\thttp\tHBB\n",
    }
    for name, text in words.items():
        (folder / name).write_text(text)
    (folder / "e.txt.gz").write_bytes(gzip.compress(words["a.txt"].encode()))


def make_knowledge(folder: Path) -> None:
    words = {
        "a.csv": "source,target,weight,sign,kind,scope\nSPI1,LYZ,0.5,+,soft,all\nGATA1,HBB,,,required,all\n"
        "LYZ,SPI1,,,forbidden,most\nCEBPA,LYZ,0.9,-,known,B\n",
        "b.tsv": "source\ttarget\nSPI1\tLYZ\nGATA1\tHBB\n",
        "c.csv": "source,target,weight,PMID\nSPI1,LYZ,1.0,1;2\nGATA1,HBB,-1.0,3\n",
        "d.tsv": "SPI1\tLYZ\tActivation\t123\nGATA1\tHBB\tRepression\t4;5\n",
        "e.csv": "gene,tier\nSPI1,0\nGATA1,1\nLYZ,2\n",
        "f.csv": "tf,confidence,target,mor\nSPI1,A,LYZ,1\nGATA1,B,HBB,-1\n",
    }
    for name, text in words.items():
        (folder / name).write_text(text)


def read_knowledge(path: Path) -> None:
    name = "tiers" if path.stem == "e" else "knowledge"
    sources = np.ones(D, bool)
    for option in {name, "forbidden", "required"} if name == "knowledge" else {name}:
        config = Config(knowledge={option: str(path)})
        prior_of(config, GENES, table=None, symbols={}, sources=sources, group="B", shared=None)


def make_configs(folder: Path) -> None:
    (folder / "a.yaml").write_text(Config.default_yaml())
    some = "seed: 3\nscore: {gamma: 1, noise: equal}\nprepare:\n  covariates: [a, b]\nfit: {mu: [1, .1]}\n"
    (folder / "b.yaml").write_text(some)
    (folder / "c.json").write_text(json.dumps(Config().model_dump(mode="json")))
    (folder / "d.yaml").write_text("a: &a {gamma: 0.5}\nscore: *a\nresample: {resamples: 2e1}\n")


def damage_config(path: Path, rng: np.random.Generator, others: Sequence[Path]) -> None:
    if rng.random() < 0.4:
        tree = in_tree(texts.load_yaml(path) if path.stem != "d" else {"score": {"gamma": 1}, "seed": 1}, rng)
        path.write_text(json.dumps(tree))
    else:
        damage_file(path, rng, others)


def make_runs(folder: Path) -> None:
    """Write the folder of a whole run with all that a folder can have."""
    X = np.random.default_rng(6).poisson(6, size=(60, D)).astype(np.float32)
    X[:, 1] += X[:, 0]
    obs = pd.DataFrame({"p": ["ctrl"] * 50 + ["LYZ"] * 10}, index=[f"c{i}" for i in range(60)])
    anndata.AnnData(X, obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(folder / "x.h5ad")
    words = ["--resamples", "2", "--min-cells", "0", "--perturbation", "p", "--control", "ctrl", "--threads", "1", "-q"]
    if main(["run", str(folder / "x.h5ad"), "-o", str(folder / "out"), *words]):
        msg = "the run that is to be damaged failed"
        raise RuntimeError(msg)


STAGES = {"screen": ["prepared.h5", "config.json"], "fit": ["screen.npz"], "order": ["fit.npz", "screen.npz"]}
STAGES |= {"network": ["order.npz", "resample-1-of-1.npz", "validation.npz", "confounding.npz"]}


def damage_stages(path: Path, rng: np.random.Generator, _: Sequence[Path]) -> None:
    """Change one file of the stages, in half of the cases so that its digest is right: somebody means harm."""
    stage = pick(rng, [*STAGES, "network", "order"])
    (path / "next").write_text(stage)
    names = [name for name in STAGES[stage] if (path / "stages" / name).exists()]
    file = path / "stages" / pick(rng, names)
    if rng.random() < 0.3:
        file.write_bytes(in_bytes(file.read_bytes(), rng))
    elif file.suffix == ".h5":
        hdf5.in_hdf5(file, rng)
    elif file.suffix == ".json":
        _changed_record(file, rng)
    else:
        arrays, facts, key = read_stage(file)
        if rng.random() < 0.05:
            arrays["x"] = np.array([Payload(str(path.parent / MARK))], dtype=object)
            np.savez(file, **{"__header__": np.zeros(3, np.uint8), **arrays})
        elif rng.random() < 0.6:
            write_stage(file, in_arrays(arrays, rng), facts, key=key)
        else:
            tree = in_tree(facts, rng)
            write_stage(file, arrays, tree if rng.random() < 0.95 else value(rng), key=key)


def _changed_record(file: Path, rng: np.random.Generator) -> None:
    tree = in_tree(json.loads(file.read_text()), rng)
    if isinstance(tree, dict) and rng.random() < 0.7:
        write_record(file, tree)
    else:
        file.write_text(json.dumps(tree))


def read_stages(path: Path) -> None:
    run_stage((path / "next").read_text(), path, Runtime(threads=1))


def damage_run(path: Path, rng: np.random.Generator, others: Sequence[Path]) -> None:
    """Change the results of a run: its record, tables, network."""
    for _ in range(int(rng.choice([1, 1, 2]))):
        file = pick(rng, sorted(part for part in path.iterdir() if part.is_file() and part.name != "report.html"))
        if file.suffix == ".json":
            _changed_record(file, rng)
        elif file.suffix == ".h5ad" and rng.random() < 0.7:
            hdf5.in_hdf5(file, rng)
        elif file.suffix in (".tsv", ".gz") or rng.random() < 0.02:
            file.write_bytes(in_any_file(file, file.read_bytes(), rng))
        else:
            file.write_bytes(in_bytes(file.read_bytes(), rng))
    if rng.random() < 0.03:
        (path / "run.json").write_bytes(pickle.dumps(Payload(str(path.parent / MARK))))


def read_run(path: Path) -> None:
    """Do with the folder of a run what its commands do; the first that is refused ends it."""
    errors = []
    for work in (
        lambda: _network(ac.read(path), path),
        lambda: _network(ac.read(path / "network.h5ad"), path),
        lambda: run_stage("report", path, Runtime(threads=1)),
    ):
        try:
            work()
        except InputError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _network(network: Any, path: Path) -> None:
    gene = network.genes[0]
    network.explain(gene)
    network.predict(knockout=[gene])
    export(network, path / "net.graphml")


ROADS = {
    "h5ad csr": Road(partial(make_anndata, form=sp.csr_matrix, ending="h5ad"), damage_hdf5, read_expression),
    "h5ad csc": Road(partial(make_anndata, form=sp.csc_matrix, ending="h5ad"), damage_hdf5, read_expression),
    "h5ad dense": Road(partial(make_anndata, form=np.asarray, ending="h5ad"), damage_hdf5, read_expression),
    "zarr csr": Road(partial(make_anndata, form=sp.csr_matrix, ending="zarr"), damage_zarr, read_expression),
    "zarr dense": Road(partial(make_anndata, form=np.asarray, ending="zarr"), damage_zarr, read_expression),
    "10x h5": Road(make_tenx, damage_hdf5, read_expression),
    "mtx": Road(make_mtx, damage_folder, read_expression),
    "tables": Road(make_tables, damage_file, read_table),
    "regulators": Road(make_lists, damage_file, lambda path: find_regulators(GENES, path)),
    "knowledge": Road(make_knowledge, damage_file, read_knowledge),
    "configs": Road(make_configs, damage_config, Config.from_yaml),
    "stages": Road(make_runs, damage_stages, read_stages, "out"),
    "runs": Road(make_runs, damage_run, read_run, "out"),
}
