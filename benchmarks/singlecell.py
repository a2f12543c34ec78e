"""Blood cells of one donor (PBMC, 2,700 cells, 11,139 genes seen in at least 10 of them), no truth known.

``python -m benchmarks.singlecell [--skip-resamples]``

Time and memory through the command line; whether edges carry over to cells that were not looked at; how many edges
remain where no gene knows of another (every gene's counts permuted over the cells, by itself); the top regulators.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import scipy.sparse as sp

from acyclome import Config, Network, learn, read
from acyclome.evaluate.baselines import heldout_log_likelihood
from acyclome.io.expression import open_expression
from acyclome.prepare import Prepared, prepare
from benchmarks.command import run_command
from benchmarks.report import publish
from benchmarks.tables import options

FILE = "singlecell/pbmc3k_raw_counts.h5ad"
HALVES, NAMES, SHUFFLE = 0x4A1F, 0x4A2E, 0x5F1E  # streams: who is learned from, which names, whose counts
# Rows of the table of regulators, and targets named in each.
SHOWN = 15
STRONGEST = 6


def main() -> None:
    """Measure and write the tables."""
    parser = options(__doc__ or "")
    parser.set_defaults(seeds=[1])
    parser.add_argument("--skip-resamples", action="store_true", help="leave the run with 20 resamples out")
    given = parser.parse_args()
    path = given.data / FILE
    command = "python -m benchmarks.singlecell"
    with tempfile.TemporaryDirectory() as folder:
        runs, network = _runs(path, Path(folder), given.seeds[0], given.threads, skip=given.skip_resamples)
    publish("singlecell-runs", runs, command, given)
    top = _top_regulators(network, path)
    publish("singlecell-regulators", top, command, given)
    held = [_held_out(path, seed, given.threads) for seed in given.seeds]
    publish("singlecell-heldout", held, command, given)


def _runs(path: Path, folder: Path, seed: int, threads: int, *, skip: bool) -> tuple[list[dict[str, Any]], Network]:
    """Run the file and its permuted copy; return the rows and the network with most resamples."""
    permuted = folder / "permuted.h5ad"
    _permute_genes(path, permuted, seed)
    rows: list[dict[str, Any]] = []
    networks = []
    plan = [("cells", path, 0), ("every gene permuted by itself", permuted, 0), ("cells", path, 20)]
    for name, file, resamples in plan[: 2 if skip else 3]:
        out = folder / f"run-{len(rows)}"
        words = ("run", file, "-o", out, "--seed", seed, "--threads", threads, "--resamples", resamples, "--quiet")
        cost = run_command(*map(str, words))
        network = read(out)
        if not isinstance(network, Network):
            msg = "Found a network per group; expected a single one."
            raise TypeError(msg)
        networks.append(network)
        share = network.n_edges / max(networks[0].n_edges, 1)
        size = {"genes": len(network.genes), "edges": network.n_edges, "edges_share": share}
        stages = {f"{stage.split('-')[0]}_s": facts.get("seconds") for stage, facts in network.facts["stages"].items()}
        rows.append({"data": name, "resamples": resamples, **size, **cost.row(), **stages})
    return rows, networks[0 if skip else 2]


def _permute_genes(path: Path, permuted: Path, seed: int) -> None:
    """Write a copy of the file in which every gene's values are dealt out to the cells anew, gene by gene."""
    adata = anndata.read_h5ad(path)
    rng = np.random.default_rng([SHUFFLE, seed])
    X = sp.csc_matrix(adata.X)
    n = X.shape[0]
    counts = np.diff(X.indptr)
    rows = [np.sort(rng.choice(n, size=k, replace=False)) for k in counts]
    data = [rng.permutation(X.data[a:b]) for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    dealt = sp.csc_matrix((np.concatenate(data), np.concatenate(rows), X.indptr), shape=X.shape)
    copy = adata.copy()
    copy.X = dealt.tocsr()
    copy.write_h5ad(permuted)


def _top_regulators(network: Network, path: Path) -> list[dict[str, Any]]:
    """Return the genes with most children, by symbol, with their strongest edges."""
    symbols = open_expression(path).var["gene_symbol"].astype(str).to_dict()
    r2 = network.nodes.set_index("gene")["r2"]
    groups = dict(iter(network.edges.groupby("source", sort=False)))
    rows = []
    for gene in sorted(groups, key=lambda name: (-len(groups[name]), str(name)))[:SHOWN]:
        edges = groups[gene].sort_values("score", ascending=False, kind="stable")
        best = zip(edges["target"].head(STRONGEST), edges["sign"].head(STRONGEST), strict=True)
        row = {"regulator": symbols[str(gene)], "targets": len(edges), "r2": float(r2[gene])}
        strongest = ", ".join(f"{sign}{symbols[target]}" for target, sign in best)
        rows.append({**row, "mean_score": float(edges["score"].mean()), "strongest": strongest})
    return rows


def _held_out(path: Path, seed: int, threads: int) -> dict[str, Any]:
    """Learn on a random half of the cells and score the other, both ways; nats per cell, over genes seen in both."""
    prepared = prepare(open_expression(path), Config())
    X = _dense(prepared)
    half = np.random.default_rng([HALVES, seed]).permutation(len(X)) < len(X) // 2
    found = [_one_way(X[half], X[~half], seed, threads), _one_way(X[~half], X[half], seed, threads)]
    row: dict[str, Any] = {"seed": seed, "transform": prepared.facts["transform"]}
    return row | {name: (found[0][name] + found[1][name]) / 2 for name in found[0]}


def _one_way(train: np.ndarray, test: np.ndarray, seed: int, threads: int) -> dict[str, float]:
    seen = np.flatnonzero((np.ptp(train, axis=0) > 0) & (np.ptp(test, axis=0) > 0))
    train, test = train[:, seen], test[:, seen]
    network = learn(train, n_resamples=0, random_state=seed, threads=threads)
    if not isinstance(network, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    place = {gene: k for k, gene in enumerate(network.genes)}
    source, target = (network.edges[end].map(place).to_numpy(np.int64) for end in ("source", "target"))
    names = np.random.default_rng([NAMES, seed]).permutation(len(seen))
    nothing = np.empty(0, np.int64)
    alone = heldout_log_likelihood(train, test, nothing, nothing)
    gain = heldout_log_likelihood(train, test, source, target) - alone
    renamed = heldout_log_likelihood(train, test, names[source], names[target]) - alone
    return {
        "genes": float(len(seen)),
        "edges": float(len(source)),
        "independent": float(np.nansum(alone)),
        "gain_of_network": float(np.nansum(gain)),
        "gain_with_names_permuted": float(np.nansum(renamed)),
        "genes_with_causes": float((np.bincount(target, minlength=len(seen)) > 0).sum()),
        "share_of_those_that_gain": float(np.mean(gain[np.unique(target)] > 0)),
    }


def _dense(prepared: Prepared) -> np.ndarray:
    """Return observations x genes; 2,700 x 11,139 float32 are 120 MB."""
    X = prepared.X
    return np.ascontiguousarray((X.toarray() if sp.issparse(X) else np.asarray(X)).T)


if __name__ == "__main__":
    main()
