"""DREAM challenges: area under precision and recall of ``ranking.tsv.gz``.

``python -m benchmarks.dream``

DREAM4, 100 genes, multifactorial: no regulator list. DREAM5, E. coli: 177 steady states of the 1,081 genes of the gold
standard, with the list of possible regulators. Default options, means over the seeds of the method. Beside it: absolute
correlation, and figures of tree ensembles that we measured once on the same files (extra trees as in GENIE3, 100 trees;
GRNBoost2).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome.cli.truth import read_truth
from benchmarks.rankings import rank_and_score
from benchmarks.report import publish
from benchmarks.tables import options

NAN = float("nan")
# As the notes on the data have them; network 3 has no figure there.
E_COLI = {"trees": 0.077, "GRNBoost2": 0.055, "trees_auroc": 0.647}
PEERS = {1: (0.137, 0.114), 2: (0.145, 0.110), 3: (NAN, NAN)}


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "")
    parser.set_defaults(seeds=[1, 2, 3])
    given = parser.parse_args()
    command = "python -m benchmarks.dream"
    rows = [row for seed in given.seeds for row in multifactorial(given.data / "dream4", seed, given.threads)]
    publish("dream", rows, command, given)
    rows = [e_coli(given.data / "dream5", seed, given.threads) for seed in given.seeds]
    publish("ecoli", rows, command, given)


def multifactorial(folder: Path, seed: int, threads: int) -> list[dict[str, Any]]:
    """Rank the pairs of the three networks of DREAM4."""
    rows = []
    for number, (trees, boosted) in PEERS.items():
        stem = folder / f"insilico_size100_{number}_multifactorial"
        expression, truth = read_multifactorial(Path(f"{stem}.tsv.gz"), Path(f"{stem}_goldstandard.tsv.gz"))
        found = rank_and_score(expression, truth, seed, threads)
        rows.append({"data": f"DREAM4 {number}", "seed": seed, **found, "trees": trees, "GRNBoost2": boosted})
    return rows


def read_multifactorial(table: Path, truth: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return observations x genes, which have no names of their own, and the true edges."""
    return pd.read_csv(table, sep="\t").rename(lambda row: f"sample_{row}"), read_truth(truth)


def knocked_out(folder: Path, number: int) -> tuple[pd.DataFrame, list[str]]:
    """Return wild type, knockouts and knockdowns of a DREAM4 network, and the gene that was acted on in each, or ""."""
    stem = f"{folder}/dream4/insilico_size100_{number}_"
    parts = [pd.read_csv(f"{stem}{kind}.tsv.gz", sep="\t") for kind in ("wildtype", "knockouts", "knockdowns")]
    genes = list(parts[0].columns)
    return pd.concat(parts, ignore_index=True), ["", *genes, *genes]


def doubly_knocked_out(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of genes knocked out together, ``(m, 2)``, and all genes then, without noise, ``(m, d)``."""
    stem = f"{folder}/dream4/insilico_size100_{number}_dualknockouts_"
    pairs = pd.read_csv(f"{stem}indexes.tsv.gz", sep="\t").to_numpy() - 1
    return pairs, pd.read_csv(f"{stem}nonoise_truth.tsv.gz", sep="\t", header=None).to_numpy()


def e_coli(folder: Path, seed: int, threads: int) -> dict[str, Any]:
    """Rank the pairs of the regulators of E. coli with its genes."""
    expression = pd.read_csv(folder / "net3_expression_goldgenes_steadystate_averaged.tsv.gz", sep="\t", index_col=0)
    truth = read_truth(folder / "net3_goldstandard.tsv.gz")
    found = rank_and_score(expression, truth, seed, threads, folder / "net3_transcription_factors.tsv")
    return {"data": "DREAM5 E. coli", "seed": seed, **found, **E_COLI}


if __name__ == "__main__":
    main()
