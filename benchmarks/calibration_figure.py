"""The picture of the calibration: share of right edges against their score, with and without resamples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

COLORS = {"20 resamples": "#0b4f8a", "no resamples": "#d55e00"}
GREY = "#6b6b6b"


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw the bins of ``results/calibration.tsv`` into a file of any kind that matplotlib writes."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    style = {"font.family": "sans-serif", "font.size": 9, "axes.linewidth": 0.7, "svg.fonttype": "none"}
    with plt.rc_context(style):
        figure, (curve, counts) = plt.subplots(1, 2, figsize=(7.6, 3.3), layout="constrained")
        curve.plot([0, 1], [0, 1], color=GREY, ls=":", lw=1.0)
        for shift, (name, color) in enumerate(COLORS.items()):
            bins = table[table["resamples"] == name].groupby("bin")[["edges", "right", "scores"]].sum()
            share, score = bins["right"] / bins["edges"], bins["scores"] / bins["edges"]
            error = 2.0 * np.sqrt(share * (1.0 - share) / bins["edges"])
            curve.errorbar(score, share, error, color=color, marker="o", ms=4.5, lw=1.6, label=name)
            counts.bar(bins.index.to_numpy(float) + 0.025 + 0.05 * shift, bins["edges"], 0.045, color=color)
        curve.set(xlabel="score", ylabel="share right", xlim=(0, 1), ylim=(0, 1), title="share of right edges")
        counts.set(xlabel="score", ylabel="edges", yscale="log", title="edges in each bin")
        curve.legend(frameon=False)
        for axes in (curve, counts):
            axes.grid(visible=True, which="major", color="#e6e6e6", lw=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.set_axisbelow(True)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=160)
        plt.close(figure)
