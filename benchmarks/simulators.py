"""Simulators beside data: spectra, zeros, variance on mean, and what the columns tell of the order.

``python -m benchmarks.simulators [--d 1000] [--n 200] [--cells 1000]``

Of each simulator and each real set: the share of the variance that the first 5 and 20 principal components hold
(columns standardized), the share of zeros, the slope of log variance on log mean over genes (Poisson counts have 1, a
constant coefficient of variation gives 2), and, where a network is known, how much of it the variances and the R2 of
the columns tell. Counts are brought to equal totals and to logarithms first, but for zeros and slope.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from acyclome.cli.truth import read_truth
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.simulate import Simulation, simulate
from acyclome.evaluate.sortability import r2_values, sortability, standardize
from acyclome.evaluate.trial import DONE
from acyclome.evaluate.umi import DispersedUmi, Umi, normalized
from benchmarks.report import publish
from benchmarks.tables import options

MOST_GENES = 2000  # those with the largest means: of rarer ones most counts are 0, and components take long
COMPONENTS = (5, 20)
NAN = float("nan")
DEPTH = (0.1, 3.0)  # 93% of the genes taken of pbmc3k have means between these
COMPENDIUM, CELLS = Factors(20, share=0.7), Factors(5, share=0.5)
HUB: dict[str, Any] = {"graph": "hub"}
SAMPLES: dict[str, dict[str, Any]] = {
    "ER-2": {},
    "hub": HUB,
    "hub, 10% of causes hidden": HUB | {"hidden": 0.1},
    "hub, measurement noise .3": HUB | {"measurement_noise": 0.3},
    "hub, 20 factors of .7": HUB | {"factors": COMPENDIUM},
    "hub, 20 factors of .7, each on a third": HUB | {"factors": Factors(20, share=0.7, coverage=0.33)},
    "hub, hill": HUB | {"mechanism": Hill()},
    "hub, hill, activity noise .5": HUB | {"mechanism": Hill(activity_noise=0.5)},
    "hub, hill, activity noise .5, 20 factors of .7": HUB
    | {"mechanism": Hill(activity_noise=0.5), "factors": COMPENDIUM},
}
SINGLE_CELLS: dict[str, dict[str, Any]] = {
    "hub, counts that cause counts": HUB | {"noise": "negative-binomial"},
    "hub, Poisson, .5 to 5": HUB | {"observation": Umi()},
    "hub, Poisson, .1 to 3": HUB | {"observation": Umi(DEPTH)},
    "hub, negative binomial, .1 to 3": HUB | {"observation": DispersedUmi(DEPTH)},
    "hub, 5 factors of .5, Poisson, .1 to 3": HUB | {"factors": CELLS, "observation": Umi(DEPTH)},
    "ER-2, 5 factors of .5, Poisson, .1 to 3": {"factors": CELLS, "observation": Umi(DEPTH)},
}
PANELS = {
    "20 independent genes, Poisson, 5 to 20": Umi((5.0, 20.0)),
    "20 independent genes, one has half of the counts": Umi((5.0, 20.0), dominant=0.5),
}


@dataclass(frozen=True)
class Table:
    """A data set: values of the scale on which networks are learned, amounts behind them, edges where known."""

    values: np.ndarray  # (n, d)
    amounts: np.ndarray | None = None  # (n, d) counts or expression, from 0 on
    source: np.ndarray | None = None
    target: np.ndarray | None = None
    longest: int | None = None  # path that counts for sortability

    @classmethod
    def of_counts(cls, counts: np.ndarray, *edges: np.ndarray) -> Table:
        """Bring cells to equal totals and to logarithms."""
        return cls(normalized(counts.T).T, counts, *edges)


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "", d=1000, n=200, cells=1000).parse_args()
    rows = [{"kind": "simulated", **row} for seed in given.seeds for row in _simulated(given, seed)]
    publish("simulators", [*rows, *_real(given.data)], "python -m benchmarks.simulators", given)


def _simulated(given: argparse.Namespace, seed: int) -> Iterator[dict[str, Any]]:
    for kinds, n in ((SAMPLES, given.n), (SINGLE_CELLS, given.cells)):
        for name, settings in kinds.items():
            drawn = simulate(given.d, n, **settings, seed=seed)
            yield _row(name, seed, _of_drawn(drawn, is_logarithm="mechanism" in settings))
    for name, umi in PANELS.items():
        yield _row(name, seed, Table.of_counts(simulate(20, given.cells, degree=0.0, observation=umi, seed=seed).X))


def _of_drawn(drawn: Simulation, *, is_logarithm: bool) -> Table:
    if drawn.size is not None:
        return Table.of_counts(drawn.X, drawn.source, drawn.target)
    return Table(drawn.X, np.exp(drawn.X) if is_logarithm else None, drawn.source, drawn.target)


def _real(folder: Path) -> Iterator[dict[str, Any]]:
    for name, (read, files) in REAL.items():
        absent = [file for file in files if not (folder / file).is_file()]
        if absent:
            yield {"kind": "real", "data": name, "seed": 0, "status": f"no {absent[0]}"}
        else:
            yield {"kind": "real", **_row(name, 0, read(*(folder / file for file in files)))}


def _of_arrays(expression: Path, truth: Path) -> Table:
    """Arrays: conditions x genes, log2."""
    frame = pd.read_csv(expression, sep="\t", index_col=0)
    return _with_truth(frame, np.exp2(frame.to_numpy()), truth)


def _of_beeline(expression: Path, truth: Path) -> Table:
    """Whole transcripts: genes x cells, log2(1 + amount)."""
    frame = pd.read_csv(expression, index_col=0).T
    return _with_truth(frame, np.exp2(frame.to_numpy()) - 1.0, truth)


def _with_truth(frame: pd.DataFrame, amounts: np.ndarray, truth: Path) -> Table:
    place = {gene: k for k, gene in enumerate(frame.columns)}
    edges = read_truth(truth)
    ends = edges[["source", "target"]].map(lambda gene: place.get(gene, -1)).to_numpy(np.int64)
    source, target = ends[(ends >= 0).all(axis=1) & (ends[:, 0] != ends[:, 1])].T
    return Table(frame.to_numpy(), amounts, source, target, longest=1)  # these networks have cycles: edges alone


def _of_cells(path: Path) -> Table:
    counts = anndata.read_h5ad(path).X
    kept = np.sort(np.argsort(-np.asarray(counts.mean(axis=0)).ravel(), kind="stable")[:MOST_GENES])
    return Table.of_counts(counts[:, kept].toarray().astype(float))


REAL: dict[str, tuple[Callable[..., Table], tuple[str, ...]]] = {
    "DREAM5 E. coli, arrays": (
        _of_arrays,
        ("dream5/net3_expression_goldgenes_steadystate_averaged.tsv.gz", "dream5/net3_goldstandard.tsv.gz"),
    ),
    "mESC, whole transcripts": (
        _of_beeline,
        ("beeline/real_mESC_500nTF_ExpressionData.csv.gz", "beeline/real_mESC_500nTF_ChIP-Seq-network.csv.gz"),
    ),
    "hHep, whole transcripts": (
        _of_beeline,
        ("beeline/real_hHep_500nTF_ExpressionData.csv.gz", "beeline/real_hHep_500nTF_ChIP-Seq-network.csv.gz"),
    ),
    "pbmc3k, UMI": (_of_cells, ("singlecell/pbmc3k_raw_counts.h5ad",)),
    "Papalexi, UMI, CRISPR screen": (_of_cells, ("perturb/papalexi_eccite_thp1_counts.h5ad",)),
}


def _row(name: str, seed: int, table: Table) -> dict[str, Any]:
    n, d = table.values.shape
    return {
        "data": name,
        "seed": seed,
        "genes": d,
        "observations": n,
        **_spectrum(table.values),
        "zeros": float((table.values == 0).mean()),
        "slope": NAN if table.amounts is None else _slope(table.amounts),
        **_sortabilities(table),
        "status": DONE,
    }


def _spectrum(values: np.ndarray) -> dict[str, float]:
    Z = standardize(values[:, np.ptp(values, axis=0) > 0])
    gram = Z @ Z.T if len(Z) < Z.shape[1] else Z.T @ Z
    shares = np.linalg.eigvalsh(gram)[::-1] / Z.size
    return {f"first_{k}": float(shares[:k].sum()) for k in COMPONENTS}


def _slope(amounts: np.ndarray) -> float:
    mean, variance = amounts.mean(axis=0), amounts.var(axis=0)
    seen = (mean > 0) & (variance > 0)
    return float(np.polyfit(np.log(mean[seen]), np.log(variance[seen]), 1)[0])


def _sortabilities(table: Table) -> dict[str, float]:
    if table.source is None or table.target is None:
        return {"by_variance": NAN, "by_R2": NAN}
    kept = np.flatnonzero(np.ptp(table.values, axis=0) > 0)
    place = np.full(table.values.shape[1], -1)
    place[kept] = np.arange(kept.size)
    source, target = place[table.source], place[table.target]
    both = (source >= 0) & (target >= 0)
    X = table.values[:, kept]

    def sorted_by(numbers: np.ndarray) -> float:
        return sortability(source[both], target[both], numbers, max_length=table.longest)

    return {"by_variance": sorted_by(X.var(axis=0)), "by_R2": sorted_by(np.maximum(r2_values(X), np.finfo(float).tiny))}


if __name__ == "__main__":
    main()
