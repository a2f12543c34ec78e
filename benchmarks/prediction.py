"""What ``predict`` is worth: simulated do-interventions, DREAM4 double knockouts, an unseen target of a real screen.

``python -m benchmarks.prediction [simulation] [double] [screen]``

simulation: ER-2, bounded variances, 1,000 observations without interventions; genes are set, shifted or knocked out,
one and three at a time; the expected change of every other gene by the true equations is the truth. ``rest``: squared
error over that of 'no change'. Coverage is that of the intervals, over the genes that truly change and over all.

double: DREAM4, 100 genes, learned from the wild type, the knockouts and the knockdowns; 20 noise-free double knockouts
each. Mean squared error over all genes, in units of the data; beside it 'no change' (the mean of every gene), and the
sum of both single knock-outs as they were measured.

screen: ECCITE-seq of Papalexi et al. (2021), leaving out all cells of one target at a time: measured genes (knocked
out), and others (perturbed as the rest). Mean squared error of the change of every other gene, in standard deviations,
from cells without a target to those of the target; beside it 'no change' and the mean change under all other knockouts.
Intervals: the same with what is predicted dealt out anew among the genes of a target (chance), and, for what separates
us from each other answer, with the two exchanged at random within every gene (no difference); 95% of 2,000 draws.
Coverage is that of intervals of 90%.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from acyclome import Network, learn
from benchmarks.dream import doubly_knocked_out, knocked_out
from benchmarks.problems import SHARE, load
from benchmarks.report import publish
from benchmarks.tables import options

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS = (1, 2, 3)  # of DREAM4, those that lie beside the data
CONTROL = "non-targeting"
DRAWS = 2000  # by chance: the bounds of 95% have 50 beyond each
COMMAND = "python -m benchmarks.prediction"


def main() -> None:
    """Measure and write the tables asked for."""
    parser = options(__doc__ or "", d=200, n=1000)
    parser.add_argument("parts", nargs="*", default=["simulation", "double", "screen"])
    given = parser.parse_args()
    if "simulation" in given.parts:
        rows = [row for seed in given.seeds for row in simulated(given.bench, given.d, given.n, seed, given.threads)]
        publish("predicted", rows, f"{COMMAND} simulation --d {given.d}", given)
    if "double" in given.parts:
        rows = [row for number in NETWORKS for row in doubled(given.data, number, given.threads)]
        publish("doubled", rows, f"{COMMAND} double", given)
    if "screen" in given.parts:
        rows = screened(given.data, given.threads)
        publish("screened", rows, f"{COMMAND} screen", given)


def network_of(X: np.ndarray, genes: list[str], seed: int, threads: int, told: list[str] | None = None) -> Network:
    """Learn with default options."""
    found = learn(X, genes, random_state=seed, threads=threads, perturbation=told)
    if not isinstance(found, Network):
        msg = "Found a network per group; expected a single one."
        raise TypeError(msg)
    return found


def simulated(bench: Path, d: int, n: int, seed: int, threads: int) -> list[dict[str, Any]]:
    """Predict from one simulated network: 20 draws of genes and amounts for each way to act."""
    drawn = load(bench / "simulate.py").simulate(d, n, 2.0, "ER", seed=seed, parent_share=SHARE)
    genes = [f"gene_{j}" for j in range(d)]
    network = network_of(drawn.X, genes, 7000 + seed, threads)
    scale, W = drawn.X.std(axis=0), drawn.dense(binary=False)
    lowest = network.nodes["lowest"].to_numpy()
    rng = np.random.default_rng([0xD0, seed])
    causes = np.unique(drawn.edges[:, 0])
    rows = []
    for action, count in (("set", 1), ("set", 3), ("shift", 1), ("shift", 3), ("knockout", 1), ("knockout", 3)):
        parts = []
        for _ in range(20):
            acted = rng.choice(causes, size=count, replace=False)
            amount = lowest[acted] if action == "knockout" else rng.choice([-1, 1], count) * rng.uniform(1, 2, count)
            asked = dict(zip([genes[j] for j in acted], amount.tolist(), strict=True))
            ask = partial(network.predict, **{action: list(asked) if action == "knockout" else asked})
            parts.append(_answers(ask, genes, _truth(W, scale, acted, amount, held=action != "shift"), acted))
        table = pd.concat(parts)
        rows.append({"action": action, "genes": count, "seed": seed, **_graded(table)})
    return rows


def _truth(W: np.ndarray, scale: np.ndarray, acted: np.ndarray, amount: np.ndarray, *, held: bool) -> np.ndarray:
    """Return the expected change of every gene, in standard deviations, by the true equations."""
    shift = np.zeros(len(W))
    shift[acted] = amount * scale[acted]
    cut = W.copy()
    if held:
        cut[:, acted] = 0.0
    changed: np.ndarray = np.linalg.solve((np.eye(len(W)) - cut).T, shift) / scale
    return changed


def _answers(ask: Callable[..., pd.DataFrame], genes: list[str], truth: np.ndarray, acted: np.ndarray) -> pd.DataFrame:
    found = {share: ask(interval=share).set_index("gene").loc[genes] for share in (0.9, 0.95)}
    table = pd.DataFrame({"truth": truth, "change": found[0.9]["change"].to_numpy()})
    for share, one in found.items():
        slack = 1e-9  # both bounds of a gene that nothing reaches are zero
        inside = (one["low"].to_numpy() - slack <= truth) & (truth <= one["high"].to_numpy() + slack)
        table[f"covered_{share}"] = inside
    return table.drop(index=acted)


def _graded(table: pd.DataFrame) -> dict[str, float]:
    moves = table[table["truth"].abs() > 1e-9]
    error = float(((table["change"] - table["truth"]) ** 2).sum())
    return {
        "rest": error / float((table["truth"] ** 2).sum()),
        "changed": len(moves) / len(table),
        **{f"{name}_changed": float(moves[name].mean()) for name in ("covered_0.9", "covered_0.95")},
        **{name: float(table[name].mean()) for name in ("covered_0.9", "covered_0.95")},
    }


def doubled(folder: Path, number: int, threads: int) -> list[dict[str, Any]]:
    """Predict the double knockouts of one DREAM4 network."""
    (values, told), (pairs, truth) = knocked_out(folder, number), doubly_knocked_out(folder, number)
    genes, X = list(values.columns), values.to_numpy()
    network = network_of(X, genes, number, threads, told)
    own = [X[np.array(told) != gene, j] for j, gene in enumerate(genes)]
    mean, scale = (np.array([how(values) for values in own]) for how in (np.mean, np.std))
    moved = [network.predict(knockout=[genes[i], genes[j]]).set_index("gene").loc[genes, "change"] for i, j in pairs]
    single = X[1 : len(genes) + 1] - mean
    answers = {
        "acyclome": mean + scale * np.array(moved),
        "no change": np.tile(mean, (len(pairs), 1)),
        "sum of both single knockouts": mean + np.array([single[i] + single[j] for i, j in pairs]),
    }
    return [
        {"data": f"DREAM4 {number}", "answer": name, "mse": round(float(np.mean((answer - truth) ** 2)), 5)}
        for name, answer in answers.items()
    ]


def screened(folder: Path, threads: int) -> list[dict[str, Any]]:
    """Predict every measured target of the screen from the others."""
    X, label, genes = _screen(folder)
    targets = [name for name in np.unique(label) if name != CONTROL]
    control, scale = X[label == CONTROL].mean(axis=0), X.std(axis=0)
    change = {name: (X[label == name].mean(axis=0) - control) / scale for name in np.unique(label) if name != CONTROL}
    parts = []
    for target in targets:
        rest = label != target
        told = ["" if name == CONTROL else name for name in label[rest]]
        network = network_of(X[rest], genes, 1, threads, told)
        found = network.predict(**{"knockout" if target in genes else "perturb": target}).set_index("gene").loc[genes]
        mean_of_others = np.mean([shift for name, shift in change.items() if name != target], axis=0)
        table = pd.DataFrame(
            {
                "target": target,
                "truth": change[target],
                "acyclome": found["change"].to_numpy(),
                "no change": 0.0,
                "mean of the other knockouts": mean_of_others,
                "covered": (found["low"].to_numpy() <= change[target]) & (change[target] <= found["high"].to_numpy()),
            }
        )
        parts.append(table.drop(index=genes.index(target)) if target in genes else table)
    every = pd.concat(parts, ignore_index=True)
    kinds = {"measured": every["target"].isin(genes), "not measured": ~every["target"].isin(genes)}
    return [{"targets": kind, **row} for kind, at in kinds.items() for row in _compared(every[at])]


def _screen(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    from anndata import read_h5ad

    from acyclome import pp

    adata = read_h5ad(folder / "perturb" / "papalexi_eccite_thp1_counts.h5ad")
    pp.prepare(adata)
    X = adata.layers["dag_input"]
    values = np.asarray(X.toarray() if hasattr(X, "toarray") else X)
    return values, adata.obs["top_target"].astype(str).to_numpy(), list(adata.var_names)


def _compared(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Score every answer over all targets and genes, with permutation intervals."""
    rng = np.random.default_rng(0xECC)
    truth, ours = table["truth"].to_numpy(), table["acyclome"].to_numpy()
    target = pd.factorize(table["target"])[0]
    rows = []
    for name in ("acyclome", "no change", "mean of the other knockouts"):
        theirs = table[name].to_numpy()
        row: dict[str, Any] = {"answer": name}
        if name == "acyclome":
            row["coverage_of_90"] = round(float(table["covered"].mean()), 3)
        for measure, score in (("mse", _mse), ("spearman", _spearman)):
            row[measure] = round(score(theirs, truth), 5)
            dealt = [score(_dealt(theirs, target, rng), truth) for _ in range(DRAWS)]
            row[f"{measure}_chance"] = _between(dealt)
            if name != "acyclome":
                swapped = [_swapped(score, ours, theirs, truth, rng) for _ in range(DRAWS)]
                row[f"{measure}_ours_less_this"] = round(score(ours, truth) - row[measure], 5)
                row[f"{measure}_no_difference"] = _between(swapped)
        rows.append(row)
    return rows


def _mse(answer: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((answer - truth) ** 2))


def _spearman(answer: np.ndarray, truth: np.ndarray) -> float:
    """Rank correlation, nothing for an answer that is the same everywhere."""
    a, b = (pd.Series(values).rank().to_numpy() for values in (answer, truth))
    return float(np.corrcoef(a, b)[0, 1]) if np.ptp(answer) > 0 else float("nan")


def _dealt(answer: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal the answers of every target out anew among its genes."""
    dealt = answer.copy()
    for number in range(target.max() + 1):
        at = np.flatnonzero(target == number)
        dealt[at] = rng.permutation(answer[at])
    return dealt


def _swapped(
    score: Callable[[np.ndarray, np.ndarray], float],
    ours: np.ndarray,
    theirs: np.ndarray,
    truth: np.ndarray,
    rng: np.random.Generator,
) -> float:
    turned = rng.random(len(ours)) < 0.5
    return score(np.where(turned, theirs, ours), truth) - score(np.where(turned, ours, theirs), truth)


def _between(values: list[float]) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return "-" if np.isnan(low) else f"{low:.4f} to {high:.4f}"


if __name__ == "__main__":
    main()
