"""Whether ``score`` is the probability that an edge is right: score against the share right, in bins of a tenth.

``python -m benchmarks.calibration``

Right is an edge that the true graph has, in this direction. 100 to 300 genes, 200 to 1,000 observations, standardised,
every edge of every network counted, with 20 resamples and without any. Some of the data have factors, kinetics or count
noise, and some are of kinds that the fit has not seen. ``--figure docs/calibration.png`` draws the curve from
``results/calibration.tsv`` and measures nothing; ``--fit`` prints the coefficients of
``acyclome.confidence.calibration``, fitted on seeds 21 and 22 (``--seeds`` for others), on which nothing is reported.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from acyclome.confidence.calibration import Surroundings, logit_of_share
from acyclome.config import Config
from acyclome.core.data.deconfounding import residual_correlation, residuals
from acyclome.core.graph.neighbors import common_neighbors
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.umi import Umi
from acyclome.io.store import MemoryStore
from acyclome.pipeline.assembly import assemble
from acyclome.pipeline.records import Ordered, Resampled
from acyclome.pipeline.session import Session
from benchmarks.measure import warm_up
from benchmarks.problems import Problem, Protocol, find_bench
from benchmarks.report import publish
from benchmarks.stores import session_on
from benchmarks.summaries import TOP_BIN
from benchmarks.tables import RESULTS, options

PROTOCOLS = (
    Protocol("ER-2", "ER"),
    Protocol("ER-4", "ER", degree=4.0),
    Protocol("SF-out", "SF-out"),
    Protocol("hub", "TF"),
    Protocol("ER-2, measurement noise .3", "ER", extras={"measurement_noise": 0.3}),
    Protocol("hub, measurement noise .3", "TF", extras={"measurement_noise": 0.3}),
    Protocol("ER-2, 10% hidden causes", "ER", extras={"hidden": 0.1}),
    Protocol("hub, 10% hidden causes", "TF", extras={"hidden": 0.1}),
)


def _like_data(name: str, kind: str = "TF", *, standardised: bool = True, **extras: Any) -> Protocol:
    """Return a protocol of the package's simulator, with what makes its data look like real ones."""
    return Protocol(name, kind, standardised=standardised, extras=extras, is_of_package=True)


# Also in the fit.  Where activity has a noise as large as itself (.02 of the edges right) nothing in the data shows it.
LIKE_DATA = (
    _like_data("hub, 3 factors of .2", factors=Factors(3, share=0.2)),
    _like_data("hub, 5 factors of .5", factors=Factors(5, share=0.5)),
    _like_data("hub, 20 factors of .7", factors=Factors(20, share=0.7)),
    _like_data("ER-2, 5 factors of .3 on half", "ER", factors=Factors(5, share=0.3, coverage=0.5)),
    _like_data("hub, hill", mechanism=Hill()),
    _like_data("hub, hill, activity noise .5", mechanism=Hill(activity_noise=0.5)),
    _like_data("hub, Poisson, 5 to 50", standardised=False, observation=Umi((5.0, 50.0), is_normalized=True)),
    _like_data("hub, Poisson, .5 to 5", standardised=False, observation=Umi((0.5, 5.0), is_normalized=True)),
)
# On which the fit has seen nothing like it: they are measured alone.
UNSEEN = (
    _like_data("hub, 2 batches of .4", factors=Factors(2, share=0.4, kind="batch")),
    _like_data("ER-2, depth of .3", "ER", factors=Factors(1, share=0.3, kind="depth")),
    _like_data("SF-out, 10 factors of .4", "SF-out", factors=Factors(10, share=0.4)),
    _like_data("ER-2, hill, activity noise .25", "ER", mechanism=Hill(activity_noise=0.25)),
    _like_data("ER-2, Poisson, 2 to 20", "ER", standardised=False, observation=Umi((2.0, 20.0), is_normalized=True)),
)
SIZES = ((100, 200), (200, 1000), (300, 500))  # genes, observations
AROUND = ("neighbors", "triangles", "residual")
RUN = ["data", "d", "n", "seed"]
RESAMPLES = 20  # those of a run by default
SCORES = {"20 resamples": "score", "no resamples": "score_alone"}
FIT_SEEDS = (21, 22)  # never those of the tables


def main() -> None:
    """Measure and write the tables, draw the figure, or fit."""
    parser = options(__doc__ or "")
    parser.add_argument("--figure", type=Path, help="draw results/calibration.tsv into this file and measure nothing")
    parser.add_argument("--fit", action="store_true", help="print the coefficients and write nothing")
    parser.set_defaults(seeds=None)
    given = parser.parse_args()
    if given.figure is not None:
        from benchmarks.calibration_figure import draw

        draw(pd.read_csv(RESULTS / "calibration.tsv", sep="\t"), given.figure)
        return
    given.seeds = given.seeds or (list(FIT_SEEDS) if given.fit else [11, 12, 13])
    warm_up()
    edges = pd.concat(_measure(given), ignore_index=True)
    if given.fit:
        _fit(edges)
        return
    rows = pd.concat([_binned(edges, name, column) for name, column in SCORES.items()], ignore_index=True)
    publish("calibration", rows.to_dict("records"), "python -m benchmarks.calibration", given)


def _measure(given: argparse.Namespace) -> Iterator[pd.DataFrame]:
    bench = find_bench(given.bench)
    for seed in given.seeds:
        for d, n in SIZES:
            for protocol in PROTOCOLS + LIKE_DATA + (() if given.fit else UNSEEN):
                problem = protocol.draw(d, n, seed, bench)
                yield edges_of(problem, given.threads).assign(data=protocol.name, d=d, n=n, seed=seed)


def edges_of(problem: Problem, threads: int) -> pd.DataFrame:
    """Learn the network; return a row for each edge: its truth, its score both ways, and what they are made of."""
    config = Config().with_options({"seed": problem.method_seed, "resample.resamples": RESAMPLES})
    store = MemoryStore(problem.X.T.astype(np.float32), [str(gene) for gene in range(problem.d)])
    session = session_on(store, config, threads)
    voted = session.learn().edges
    ordered = session.archive.read(Ordered, config)
    alone = assemble(session.task, ordered, Resampled.joined([])).edges
    gain = ordered.loss - session.task.data.edge_costs(config)[ordered.target]
    parts = pd.DataFrame(
        {name: getattr(ordered, name) for name in ("source", "target", "arrow", "reversal_loss")}
    ).assign(
        compelled=ordered.compelled.astype(bool),
        gain=gain,
        **_around(session, ordered),
    )
    columns = ["source", "target", "stability", "direction", "score"]
    ends = {"source": int, "target": int}
    table = parts.merge(voted[columns].astype(ends)).merge(
        alone[["source", "target", "score"]].astype(ends), on=list(ends), suffixes=("", "_alone")
    )
    true = np.zeros((problem.d, problem.d), bool)
    true[problem.truth] = True
    forward, backward = true[table["source"], table["target"]], true[table["target"], table["source"]]
    return table.assign(right=forward, pair=forward | backward)


def _around(session: Session, ordered: Ordered) -> dict[str, np.ndarray]:
    """Return what the regressions see of common causes, by name."""
    data, edges = session.task.problem.data, (ordered.source, ordered.target)
    common, left = common_neighbors(*edges, data.n_genes), residual_correlation(residuals(data.Z, *edges))
    around = Surroundings.of(common, left, n_genes=data.n_genes, n_obs=data.n_obs)
    return dict(zip(AROUND, around.features, strict=True))


def _binned(edges: pd.DataFrame, name: str, column: str) -> pd.DataFrame:
    """Count edges, those that are right, and the sum of their scores, per run and bin."""
    lower = np.minimum(np.floor(edges[column] * 10) / 10, TOP_BIN)
    groups = edges.assign(bin=lower.map("{:.1f}".format), scores=edges[column]).groupby([*RUN, "bin"])
    counted = groups.agg(edges=("right", "size"), right=("right", "sum"), scores=("scores", "sum")).reset_index()
    return counted.assign(resamples=name)


def _fit(edges: pd.DataFrame) -> None:
    """Print the coefficients: of what joins by runs of the same weight, of arrows by edges.

    Of arrows every run with the same weight would be those of the few that have hardly an edge right.
    """
    run = edges.groupby(RUN)["right"]
    edges = edges.assign(
        share=1.0 / run.transform("size"),
        x=np.log1p(edges["gain"].clip(lower=0)),
        votes=logit_of_share(edges["stability"], RESAMPLES),
        turn=np.log1p(edges["reversal_loss"].abs()),
    )
    joined = edges[edges["pair"]]
    q = joined["arrow"].clip(1e-3, 1 - 1e-3)
    joined = joined.assign(share=1.0)
    arrows = joined.assign(
        q=np.log(q / (1 - q)), arrows=logit_of_share(joined["direction"], joined["stability"] * RESAMPLES)
    )
    fits: tuple[tuple[str, pd.DataFrame, list[str], str, bool], ...] = (
        ("JOINED, CONFOUNDED", edges, ["x", *AROUND], "pair", True),
        ("JOINED_VOTED, CONFOUNDED_VOTED", edges, ["x", "votes", *AROUND], "pair", True),
        ("COMPELLED", joined[joined["compelled"]], ["turn"], "right", True),
        ("ARROW_VOTED", arrows, ["q", "arrows"], "right", False),
    )
    for name, table, columns, answer, has_constant in fits:
        print(name, _coefficients(table, columns, answer, has_constant))


def _coefficients(table: pd.DataFrame, columns: list[str], answer: str, has_constant: bool) -> list[float]:
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=np.inf, fit_intercept=has_constant, max_iter=1000)
    scale = table[columns].std()  # of one size for the optimizer, which stops early along small columns
    model.fit(table[columns] / scale, table[answer], sample_weight=table["share"])
    return [float(f"{value:.3g}") for value in (*model.intercept_[: int(has_constant)], *(model.coef_[0] / scale))]


if __name__ == "__main__":
    main()
