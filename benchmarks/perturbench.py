"""Predictions on screens whose targets are no measured genes: part of Norman 2019 and McFaline 2023 (PerturBench).

``python -m benchmarks.perturbench``

500 variable genes, log1p; each data set and line by itself. Each treatment is left out in turn, single targets, and
pairs whose targets were acted on alone too, and predicted from the rest (``predict --perturb``): mean squared error in
standard deviations, beside no change, the mean of the other treatments of its kind and the sum of both single effects
as measured; coverage of intervals of 90%. Nothing was settled on these data. No network takes part: one of 32 targets
is a gene that is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome import Network
from acyclome.core.effects.doses import Yardstick
from acyclome.core.effects.profiles import profiles
from acyclome.network.build import build_network
from benchmarks.report import publish
from benchmarks.tables import options

CONTROL = "control"
FILE = "perturbench_norman_mcfaline_500hvg.h5ad"


def main() -> None:
    """Measure and write the table."""
    given = options(__doc__ or "").parse_args()
    rows = [row for name, table, genes in screens(given.data) for row in left_out(name, table, genes)]
    publish("perturbench", rows, "python -m benchmarks.perturbench", given)


def screens(folder: Path) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Yield the name of each screen, its treatments as a network holds them, and its genes."""
    from anndata import read_h5ad

    adata = read_h5ad(folder / "perturb" / FILE)
    values = np.asarray(adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X, float)
    place = pd.Series(range(adata.n_obs), adata.obs.index)
    for (data, line), obs in adata.obs.groupby(["dataset", "cell_type"], observed=True):
        X = values[place[obs.index]]
        varies = X.std(axis=0) > 0
        Z = ((X[:, varies] - X[:, varies].mean(axis=0)) / X[:, varies].std(axis=0)).T
        label = obs["perturbation"].astype(str).to_numpy()
        names = sorted(set(label) - {CONTROL})
        kind = np.array([names.index(one) if one != CONTROL else -1 for one in label])
        parts = [Z[:, kind == k] for k in range(-1, len(names))]
        inside = sum(((part - part.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for part in parts)
        noise = np.asarray(inside) / (len(label) - len(parts))
        by = Yardstick(parts[0].mean(axis=1), np.ones(len(Z)), noise, parts[0].shape[1])
        found = profiles(lambda a, b, Z=Z: Z[a:b], kind, by, n_kinds=len(names))
        columns = {
            "targets": [name.replace("+", ";") for name in names],
            "observations": found.observations,
            "change": list(found.change),
            "error": list(found.error),
            "network": [np.empty(0)] * len(names),
        }
        yield f"{data}, {line}", pd.DataFrame(columns), [str(gene) for gene in adata.var_names[varies]]


def left_out(name: str, table: pd.DataFrame, genes: list[str]) -> list[dict[str, Any]]:
    """Predict every treatment from the others; return a row for single targets and one for pairs."""
    rows = []
    change = np.stack(table["change"].tolist())
    targets = [tuple(names.split(";")) for names in table["targets"]]
    place = {names: k for k, names in enumerate(targets)}
    for kind, size in (("single", 1), ("pair", 2)):
        errors, covered = [], []
        asked = [k for k, names in enumerate(targets) if len(names) == size]
        asked = [k for k in asked if size == 1 or all((one,) in place for one in targets[k])]
        for k in asked:
            answer = network_of(table.drop(index=k), genes).predict(perturb=list(targets[k]))
            answer, y = answer.set_index("gene").loc[genes], change[k]
            counts = ~np.isin(genes, targets[k])
            added = sum(change[place[one,]] for one in targets[k]) if size == 2 else np.full(len(y), np.nan)
            mean = change[[other for other in asked if other != k]].mean(axis=0)
            answers = (answer["change"].to_numpy(), np.zeros(len(y)), mean, added)
            errors.append([float(np.mean((one - y)[counts] ** 2)) for one in answers])
            covered.append(np.mean((answer["low"] <= y)[counts] & (y <= answer["high"])[counts]))
        if asked:
            scores = dict(zip(("acyclome", "no_change", "mean", "sum"), np.mean(errors, axis=0).tolist(), strict=True))
            rows.append(
                {"data": name, "kind": kind, "left_out": len(asked), **scores, "coverage_of_90": np.mean(covered)}
            )
    return rows


def network_of(table: pd.DataFrame, genes: list[str]) -> Network:
    """Return a network without edges, which has these treatments."""
    none, d = np.empty(0, np.int64), len(genes)
    edges = {"source": none, "target": none, "weight": np.empty(0)}
    nodes = {"order": np.arange(d), "r2": np.zeros(d), "noise_scale": np.ones(d)}
    return build_network(genes, edges, nodes, ranking=(none, none, np.empty(0)), treatments=table)


if __name__ == "__main__":
    main()
