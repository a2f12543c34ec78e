"""How the runs of a measurement become the table that a reader sees.

One entry of `SUMMARIES` a table; a table of another size (``accuracy-300``) takes the entry that its name begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acyclome.evaluate.trial import DONE

COST = ("seconds", "cpu_seconds", "peak_mb")
EQUAL_NOISE = "acyclome, equal noise"  # whose time DAGMA's is compared with
AUTO = "auto"
TOP_BIN = 0.9  # scores from here to 1, where nearly all edges are


@dataclass(frozen=True)
class Summary:
    """A table of means over seeds.

    Parameters
    ----------
    by
        What a line is; empty: every run is a line.
    columns
        The columns shown after those; empty: all numbers.
    shares
        Columns of true and false, shown as "how many of how many".
    then
        What is added or changed at the end: takes the runs and the table.
    runs
        The measurement whose runs these are, where it is another.
    """

    by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    then: Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame] | None = None
    runs: str = ""

    def __call__(self, runs: pd.DataFrame) -> pd.DataFrame:
        table = means(runs, self.by, shares=self.shares) if self.by else runs
        if self.columns:
            table = table[[*self.by, *(name for name in self.columns if name in table)]]
        return self.then(runs, table) if self.then else table


def summary_of(name: str) -> Summary:
    """Return how a table is made.

    Raises
    ------
    KeyError
        If no entry of `SUMMARIES` begins its name.
    """
    known = [key for key in SUMMARIES if name == key or name.startswith(f"{key}-")]
    if not known:
        msg = f"No summary for the measurement {name!r}. Add one to benchmarks/summaries.py."
        raise KeyError(msg)
    return SUMMARIES[max(known, key=len)]


def means(runs: pd.DataFrame, by: Sequence[str], *, shares: Sequence[str] = ()) -> pd.DataFrame:
    """Average the runs over seeds; columns in ``shares`` become "how many of how many"."""
    groups = runs.groupby(list(by), sort=False)
    numbers = [c for c in runs.columns if c not in {*by, *shares, "seed"} and pd.api.types.is_numeric_dtype(runs[c])]
    table = groups[[c for c in numbers if not pd.api.types.is_bool_dtype(runs[c])]].mean()
    for name in shares:
        answers = [part[name].dropna() for _, part in groups]
        table[name] = [f"{int(said.sum())} of {len(said)}" if len(said) else np.nan for said in answers]
    return table.reset_index()


def statuses(runs: pd.DataFrame, table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Say for every line of a table of means how many of its runs are done, and what became of the others."""
    said = runs.groupby(list(by), sort=False)["status"].agg(list)
    found = []
    for key in table[list(by)].itertuples(index=False):
        words = said[tuple(key)]
        done = [f"{words.count(DONE)} done"] if DONE in words else []
        found.append(", ".join([*done, *dict.fromkeys(word for word in words if word != DONE)]))
    return found


def _with_status(by: tuple[str, ...]) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    return lambda runs, table: table.assign(status=statuses(runs, table, by))


def _beside(group: str, peers: tuple[str, ...]) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Add what became of the runs, and each method's processor time as a share of that of peers, on their seeds."""

    def add(runs: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
        seconds = runs.pivot(index=[group, "seed"], columns="method", values="cpu_seconds")
        status = statuses(runs, table, (group, "method"))
        for peer in (name for name in peers if name in seconds):
            mean = seconds[seconds[peer].notna()].groupby(group).mean()
            share = mean.div(mean[peer], axis="index").stack().to_dict()
            keys = zip(table[group], table["method"], strict=True)
            table = table.assign(**{f"of {peer}": [share.get(key, np.nan) for key in keys]})
        return table.assign(status=status)

    return add


def _totals(by: tuple[str, ...], columns: tuple[str, ...]) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Add counts up by some columns, and over all."""

    def add(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
        sums = runs.groupby(list(by), sort=False)[list(columns)].sum().reset_index()
        whole = dict.fromkeys(by, "") | {by[0]: "all"} | sums[list(columns)].sum().to_dict()
        return pd.concat([sums, pd.DataFrame([whole])], ignore_index=True)

    return add


def _side_by_side(
    by: tuple[str, ...], shown: tuple[str, ...], *, most: str = ""
) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Set the means of both preparations side by side, and the largest value of a column."""

    def add(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
        groups = runs.groupby([*by, "prepared"], sort=False)
        columns = [groups[name].mean().unstack(sort=False).add_prefix(f"{name}, ") for name in shown]
        if most:
            columns.append(groups[most].max().unstack(sort=False).add_prefix(f"most {most}, "))
        return pd.concat(columns, axis=1).reset_index()

    return add


def _times_ours(_: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    ours = table.loc[table["method"] == EQUAL_NOISE, "cpu_seconds"].iloc[0]
    return table.assign(times_ours=table["cpu_seconds"] / ours).dropna(axis="columns", how="all")


def _choices(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    """Say for each case what was chosen, and how well that does beside the best single model and the linear one."""
    found = []
    for case, part in runs.groupby("case", sort=False):
        auto, single = part[part["model"] == AUTO], part[part["model"] != AUTO]
        directed = single.groupby("model")["directed"].mean()
        found.append(
            {
                "case": case,
                "chosen": ", ".join(f"{name} {k}" for name, k in auto["choice"].value_counts().items()),
                "directed, auto": auto["directed"].mean(),
                "directed, linear": directed["linear"],
                "best single model": directed.idxmax(),
                "directed, best": directed.max(),
                "cpu_seconds, auto": auto["cpu_seconds"].mean(),
            }
        )
    return pd.DataFrame(found)


def _bins(by: list[str], bins: tuple[float, ...] = ()) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Set edges, mean score and share right of every bin side by side, with and without resamples."""

    def add(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
        parts = []
        for name, part in runs[runs["bin"].isin(bins) if bins else slice(None)].groupby("resamples", sort=False):
            sums = part.groupby(by, sort="bin" in by)[["edges", "right", "scores"]].sum()
            shares = {"edges": sums["edges"], "mean score": sums["scores"] / sums["edges"]}
            shares["right"] = sums["right"] / sums["edges"]
            parts.append(pd.DataFrame({f"{key}, {name}": value for key, value in shares.items()}))
        table = pd.concat(parts, axis=1).reset_index()
        return table.assign(bin=table["bin"].map("{:.1f}".format)) if "bin" in by else table

    return add


def _small(*columns: str) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    """Show all digits of columns that three after the point would round away."""
    return lambda _, table: table.assign(
        **{name: table[name].map("{:.5f}".format, na_action="ignore") for name in columns}
    )


def _agreement(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    total = runs.groupby("answer", sort=False)[["changes", "said", "right", "said_there", "right_there"]].sum()
    shares = {"agrees": total["right"] / total["said"], "agrees_there": total["right_there"] / total["said_there"]}
    return total[["changes", "said"]].assign(**shares, said_there=total["said_there"]).reset_index()


def _sums(runs: pd.DataFrame, _: pd.DataFrame) -> pd.DataFrame:
    return runs.sum().to_frame().T


def _with_total(runs: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    total = runs.sum(numeric_only=True).to_frame().T.assign(**{table.columns[0]: "all"})
    return pd.concat([table, total[table.columns]], ignore_index=True)


F1 = ("skeleton", "class", "directed")
RANKED = ("aupr", "correlation_aupr", "auroc", "ranked")
MECHANISM = ("mechanism", "genes", "method")
NONLINEAR = ("skeleton", "directed", *COST)
NEURAL = ("NOTEARS-Sobolev", "NOTEARS-MLP", "DAGMA-MLP")
CLASSICAL = ("PC", "GES", "DirectLiNGAM")
ROAD = (*F1, "score", "h", "objective", "steps", "seconds", "cpu_seconds", "acyclic")
SCREENS = ("edges", "wasserstein", "precision", "false_omission_rate", "direct", "cpu_seconds")
SIZE = ("data", "d", "n", "method")

SUMMARIES: dict[str, Summary] = {
    "desk": Summary(),  # one page a line
    "accuracy": Summary(("data", "method")),
    "first-version": Summary(("data", "genes"), shares=("same_edges",)),
    "relaxation": Summary(("data", "road"), ROAD, ("acyclic",)),
    "relaxation-alone": Summary(("data", "road"), (*ROAD[:3], *ROAD[4:-1], "peak_mb", "acyclic"), ("acyclic",)),
    "dagma": Summary(("data", "method"), (*F1, "ceiling", *COST, "edges_unlike_raw"), then=_times_ours),
    "syntren": Summary(
        ("data", "model"), ("aupr", "NO-BEARS", "NOTEARS", "correlation_aupr", "auroc", "ranked", *COST), ("ranked",)
    ),
    "paper": Summary(),
    "grandag": Summary(("data", "model"), ("shd", "GraN-DAG", "edges", "true", "turned", "cpu_seconds", "peak_mb")),
    "family": Summary(
        ("system", "road"),
        ("published", "shd", "sid", "f1", "edges", "true", "cpu_seconds"),
        then=_with_status(("system", "road")),
    ),
    "dream": Summary(
        ("data",), ("aupr", "trees", "GRNBoost2", "correlation_aupr", "auroc", "ranked", *COST[:2]), ("ranked",)
    ),
    "ecoli": Summary(
        ("data",), ("aupr", "trees", "GRNBoost2", "auroc", "trees_auroc", "ranked", *COST[:2]), ("ranked",)
    ),
    "real": Summary(("data", "method"), ("over_chance", "first_1000", "sure", "sure_right", "cpu_seconds")),
    "modules": Summary(("d", "drawn"), ("learned", "rand", "f1", "regulators", "cpu_seconds")),
    "regulons": Summary(("data", "method"), ("modules", "enriched", "regulons", "recovered", "mean_f1", "cpu_seconds")),
    "module-path": Summary(
        ("data", "acts", "n_modules"),
        then=lambda _, table: table.drop(columns=["edges", "knocked", "number", "standard_error"]),
    ),
    "module-links": Summary(("data", "acts", "keeps")),
    "module-left": Summary(("data", "acts")),
    "interventions": Summary(("targets", "road"), then=lambda _, table: table.drop(columns=["seconds", "peak_mb"])),
    "interventions-models": Summary(
        ("data", "model", "road"), then=lambda _, table: table.drop(columns=["seconds", "peak_mb"])
    ),
    "knockouts": Summary(("data", "method"), then=lambda _, table: table.drop(columns=["seconds", "peak_mb"])),
    "sachs": Summary(("data", "method"), then=lambda _, table: table.drop(columns=["seconds", "peak_mb"])),
    "nonlinear": Summary(MECHANISM, NONLINEAR),
    "curves": Summary(MECHANISM, NONLINEAR),
    "published": Summary(MECHANISM, NONLINEAR, then=_beside("mechanism", NEURAL)),
    "classical": Summary(("noise", "method"), NONLINEAR, then=_beside("noise", CLASSICAL)),
    "post-nonlinear": Summary(
        ("family", "genes", "method"), ("true edges", "edges", "SHD", "turned", "cpu_seconds", "peak_mb")
    ),
    "post-nonlinear-heldout": Summary(("family", "genes", "model"), shares=("chosen",)),
    "choosing": Summary(then=_choices, runs="choosing-models"),
    "choosing-models": Summary(("case", "model"), shares=("chosen",)),
    "families": Summary(("data", "genes", "model")),
    "counts": Summary(("genes", "method")),
    "counts-cells": Summary(),
    "totals": Summary(then=_side_by_side(("model", "genes", "law", "depth"), ("edges", "joined"), most="joined")),
    "totals-networks": Summary(then=_side_by_side(("model", "graph", "genes", "counts"), ("edges", "directed"))),
    "latent": Summary(("graph", "mean counts", "method")),
    "regimes": Summary(("data",)),
    "hidden": Summary(("data", "genes", "observations", "hidden")),
    "independent": Summary(("genes", "observations", "hidden")),
    "siblings": Summary(("data", "method")),
    "simulators": Summary(("kind", "data"), then=_with_status(("kind", "data"))),
    "shards": Summary(
        ("data", "road"), (*F1, "ceiling", "seconds", "peak_mb", "worker_mb", "same_bits"), ("same_bits",)
    ),
    "workflow": Summary(
        ("acyclicity",), (*F1, "ceiling", "edges", *COST, "worker_mb", "is_dag", "all_files"), ("is_dag", "all_files")
    ),
    **dict.fromkeys(("singlecell", "plans", "cluster", "feedback", "screen-sizes", "stored"), Summary()),  # all runs
    "scaling": Summary(SIZE, (*F1, "precision", "recall", "ceiling", *COST), then=_with_status(SIZE)),
    "cells": Summary(("cells", "genes")),
    "cells-moments": Summary(),
    "cluster-arrays": Summary(),
    "predicted": Summary(("action", "genes")),
    "doubled": Summary(then=_small("mse")),
    "screened": Summary(then=_small("mse", "mse_ours_less_this")),
    "perturbench": Summary(then=_small("acyclome", "no_change", "mean", "sum")),
    "screens": Summary(("data", "scored_by", "method"), SCREENS),
    "screen-limits": Summary(("ranking",)),
    "deletions": Summary(then=_agreement),
    "identified": Summary(("data", "acts_on", "method")),
    "differential": Summary(("data", "road")),
    "calibration": Summary(then=_bins(["bin"])),
    "calibration-best": Summary(then=_bins(["data", "d", "n"], (TOP_BIN,)), runs="calibration"),
    "fuzzing": Summary(then=_with_total),
    "knowledge": Summary(("genes", "forbidden")),
    "knowledge-cases": Summary(then=_sums),
    "chaos-faults": Summary(then=_totals(("way",), ("tried", "held"))),
    "chaos-calls": Summary(then=_totals(("call", "what"), ("tried", "held")), runs="chaos-faults"),
    "chaos-signals": Summary(),
    "chaos-problems": Summary(),
    "house": Summary(then=lambda runs, _: runs.set_index("tree").T.rename_axis("").reset_index()),
}
