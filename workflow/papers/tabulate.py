"""The table of a paper: its figures beside those of the networks that the workflow has learned.

``python workflow/papers/tabulate.py dream4 OUT.tsv SCORES...``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
FIGURES = ("aupr", "auroc", "shd", "f1", "precision", "recall")


def main() -> int:
    """Write the table, and print it."""
    paper, out, *files = sys.argv[1:]
    rows = []
    for file in files:
        name, _, model = Path(file).stem.rpartition(".")
        scores = json.loads(Path(file).read_text("utf-8"))
        rows.append({"set": name, "method": model, **{figure: scores.get(figure) for figure in FIGURES}})
    published = pd.read_csv(HERE / "published.tsv", sep="\t", dtype={"set": str})
    found = published[published["paper"] == paper].drop(columns="paper")
    table = pd.concat([pd.DataFrame(rows), found], ignore_index=True).sort_values(["set", "method"], kind="stable")
    table = table.dropna(axis=1, how="all")
    table.to_csv(out, sep="\t", index=False, float_format="%.6g")
    sys.stdout.write(table.to_string(index=False, float_format="{:.3f}".format, na_rep="-") + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
