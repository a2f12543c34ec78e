"""Small random problems for all models, with all that may be known of them, and what has to hold of every network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import acyclome as ac
from acyclome.core.backend import ThreadBackend
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem as CoreProblem
from acyclome.core.graph.equivalence import is_dag
from acyclome.core.hill_climbing import search as hill_climbing
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.order_search.search import search_order
from acyclome.core.screening.screen import ScreenSettings
from acyclome.models import get_model
from acyclome.models.linear.local_score import LeastSquares
from acyclome.network import Network

# Models, and options that make them small.
SMALL: Mapping[str, dict[str, Any]] = {
    "linear": {},
    "lingam": {},
    "glm": {},
    "spline": {"bsplines": 4},
    "polynomial": {"degree": 2},
    "sobolev": {"cosines": 3},
    "mlp": {"splines": 2, "units": 4},
    "gran_dag": {"splines": 2, "units": 4},
    "dag_gnn": {},
}
# Of weights where data are the same up to rounding: they are in single precision, and standardised in it.
CLOSE = 1e-3
ELSEWHERE = "ends at another score"
TIE = 1e-5  # of scores of networks between which rounding decides: single precision, summed in another order


@dataclass(frozen=True)
class Problem:
    """Data, options, and what is known."""

    X: np.ndarray  # (n, d)
    genes: list[str]
    config: dict[str, Any]
    knowledge: pd.DataFrame | None
    perturbation: list[str] | None
    groups: list[str] | None

    def networks(self, threads: int = 1) -> dict[str, Network]:
        """Learn; by label of groups, which are one without a name where there are none."""
        found = ac.learn(
            self.X,
            self.genes,
            config=self.config,
            knowledge=self.knowledge,
            perturbation=self.perturbation,
            groups=self.groups,
            threads=threads,
            device="cpu",
        )
        return dict(found) if isinstance(found, Mapping) else {"": found}


def draw(seed: int, model: str | None = None) -> Problem:
    """Draw a problem of a model, or of any."""
    rng = np.random.default_rng([2026, seed])
    model = str(rng.choice(list(SMALL))) if model is None else model
    d, n = int(rng.integers(3, 8)), int(rng.integers(24, 90))
    X = rng.standard_normal((n, d)) + (rng.exponential(size=(n, d)) if rng.random() < 0.5 else 0.0)
    for j in range(1, d):
        X[:, j] += rng.normal(0, 1.0) * X[:, rng.integers(0, j)]
        X[:, j] += rng.normal(0, 0.3) * (rng.random() < 0.5) * X[:, rng.integers(0, j)] ** 2
    if model == "glm":
        X = rng.poisson(np.exp(np.clip(0.6 * X + 1.0, -3, 4))).astype(float)
    X = X[:, rng.permutation(d)].astype(np.float32)
    genes = [f"G{k}A" for k in rng.permutation(d)]
    config: dict[str, Any] = {
        "model": model,
        "seed": int(rng.integers(0, 100)),
        "resample": {"resamples": int(rng.choice([0, 0, 2]))},
        "score": {"gamma": float(rng.choice([0.0, 0.5, 1.0]))},
        "search": {"perturbations": 2},
    }
    section = get_model(model).section
    config |= {section[0]: SMALL[model]} if section and SMALL[model] else {}
    if model == "linear" and rng.random() < 0.3:
        config["score"]["noise"] = "equal"
    if model == "linear" and rng.random() < 0.2:
        config["shard"] = {"shards": 2}
    groups = ["a" if k % 2 else "b" for k in range(n)] if rng.random() < 0.2 else None
    if groups is not None and model != "glm" and rng.random() < 0.5:  # counts have no common scale
        config["input"] = {"joint": True}
    return Problem(X, genes, config, _knowledge(rng, genes), _perturbation(rng, genes, n), groups)


def _knowledge(rng: np.random.Generator, genes: list[str]) -> pd.DataFrame | None:
    """Draw edges of all kinds that do not contradict one another: what is required follows an order."""
    if rng.random() < 0.4:
        return None
    order, rows = [genes[k] for k in rng.permutation(len(genes))], []
    for a, source in enumerate(order):
        for b, target in enumerate(order):
            kind = str(rng.choice(["required", "forbidden", "soft", "signed", ""], p=[0.1, 0.15, 0.1, 0.15, 0.5]))
            if a == b or not kind or (kind == "required" and a > b):
                continue
            is_signed = kind == "signed" or (kind == "required" and rng.random() < 0.5)
            sign = str(rng.choice(["+", "-"])) if is_signed else ""
            # Signs bind edges that are taken; of soft ones without a weight all else is as of others.
            weight = {"soft": float(rng.uniform(0.1, 0.9)), "signed": 0.0}.get(kind, np.nan)
            rows.append((source, target, "soft" if kind == "signed" else kind, sign, weight))
    return pd.DataFrame(rows, columns=["source", "target", "kind", "sign", "weight"]) if rows else None


def _perturbation(rng: np.random.Generator, genes: list[str], n: int) -> list[str] | None:
    if rng.random() < 0.6:
        return None
    labels = [""] * n
    for row in rng.permutation(n)[: int(rng.integers(1, n // 3))]:
        labels[row] = ";".join(rng.choice(genes, size=int(rng.integers(1, 3)), replace=False))
    return labels


def broken(network: Network, knowledge: pd.DataFrame | None) -> list[str]:
    """Say what does not hold of a network that has to hold of all."""
    edges, d = network.edges, len(network.genes)
    index = {gene: k for k, gene in enumerate(network.genes)}
    source, target = (edges[end].map(index).to_numpy(np.int64) for end in ("source", "target"))
    wrong = [] if is_dag(source, target, d) and network.is_dag else ["a circle"]
    place = {gene: k for k, gene in enumerate(network.nodes.sort_values("order")["gene"])}
    if (edges["source"].map(place) >= edges["target"].map(place)).any():
        wrong.append("against the order")
    if not np.isfinite(edges[["weight", "score"]].to_numpy()).all():
        wrong.append("not finite")
    weights = dict(zip(zip(edges["source"], edges["target"], strict=True), edges["weight"], strict=True))
    for row in () if knowledge is None else knowledge.to_dict("records"):
        kind, sign, pair = row["kind"], row["sign"], (str(row["source"]), str(row["target"]))
        if not {*pair} <= index.keys():
            continue  # constant in this group
        if (kind == "forbidden" and pair in weights) or (kind == "required" and pair not in weights):
            wrong.append(f"{kind} {pair[0]} {pair[1]}")
        if sign and weights.get(pair, 0.0) * {"+": 1, "-": -1}[sign] < 0:
            wrong.append(f"the sign of {pair[0]} {pair[1]}")
    return wrong


class Verdict(NamedTuple):
    """What is wrong, which is nothing, and the ways in which the search ended at another score."""

    wrong: list[str]
    elsewhere: list[str]


def checked(problem: Problem, *, only: int | None = None) -> Verdict:
    """Learn a problem in several ways.

    ``only`` takes one of the ways beside the first, by number; None all.
    """
    X, knowledge = problem.X.copy(), None if problem.knowledge is None else problem.knowledge.copy()
    first = problem.networks()
    wrong = [text for network in first.values() for text in broken(network, problem.knowledge)]
    if not np.array_equal(X, problem.X) or (knowledge is not None and not knowledge.equals(problem.knowledge)):
        wrong.append("the input was changed")
    ways, elsewhere = list(WAYS.items()), []
    for name, way in ways if only is None else [ways[only % len(ways)]]:
        for text in way(problem, first):
            if text.startswith(ELSEWHERE):
                elsewhere.append(name)
            else:
                wrong.append(f"{name}: {text}")
    return Verdict(wrong, elsewhere)


def _threads(problem: Problem, first: dict[str, Network]) -> list[str]:
    return _differences(first, problem.networks(threads=4))


def _layout(problem: Problem, first: dict[str, Network]) -> list[str]:
    """Lay the same values otherwise into memory: columns first, or sparse."""
    import scipy.sparse as sp

    layouts: list[Callable[[np.ndarray], Any]] = [np.asfortranarray, sp.csr_matrix, sp.csc_matrix]
    make = layouts[len(problem.genes) % len(layouts)]
    return _differences(first, replace(problem, X=make(problem.X)).networks())


def _units(problem: Problem, first: dict[str, Network]) -> list[str]:
    """Units that are powers of two change no bit of a network; of counts there are none, and equal noise has one."""
    if _has_units(problem):
        return []
    scale = 2.0 ** np.random.default_rng(len(problem.X)).integers(-8, 9, len(problem.genes))
    return _differences(first, replace(problem, X=(problem.X * scale).astype(np.float32)).networks())


def _other_units(problem: Problem, first: dict[str, Network]) -> list[str]:
    """Other units and zeros round values anew."""
    if _has_units(problem):
        return []
    rng = np.random.default_rng(len(problem.X))
    d = len(problem.genes)
    X = (problem.X.astype(float) * rng.uniform(0.1, 10.0, d) + rng.uniform(-5, 5, d)).astype(np.float32)
    return _far(first, replace(problem, X=X).networks(), problem.knowledge)


def _order_of_genes(problem: Problem, first: dict[str, Network]) -> list[str]:
    """Another order is another draw of random units, and of nothing else."""
    if problem.config["model"] in ("mlp", "gran_dag"):
        return []
    line = np.random.default_rng(len(problem.X)).permutation(len(problem.genes))
    there = replace(problem, X=problem.X[:, line], genes=[problem.genes[k] for k in line])
    return _far(first, there.networks(), problem.knowledge)


def _order_of_observations(problem: Problem, first: dict[str, Network]) -> list[str]:
    line = np.random.default_rng(len(problem.X)).permutation(len(problem.X))
    labels = {
        name: [given[k] for k in line]
        for name in ("perturbation", "groups")
        if (given := getattr(problem, name)) is not None
    }
    return _far(first, replace(problem, X=problem.X[line], **labels).networks(), problem.knowledge)


def _has_units(problem: Problem) -> bool:
    return problem.config["model"] == "glm" or "noise" in problem.config["score"]


WAYS = {
    "threads": _threads,
    "layout": _layout,
    "units, powers of two": _units,
    "units, any": _other_units,
    "order of genes": _order_of_genes,
    "order of observations": _order_of_observations,
}


def _differences(one: dict[str, Network], two: dict[str, Network]) -> list[str]:
    """Say which tables differ by a bit, but for what is told in the units of the data."""
    tables = {label: [_tables(net) for net in (one[label], two[label])] for label in one}
    return [f"{name} differ" for here, there in tables.values() for name in here if not here[name].equals(there[name])]


def _tables(network: Network) -> dict[str, pd.DataFrame]:
    nodes = network.nodes.drop(columns=["noise_scale", "lowest"], errors="ignore")
    return {"edges": network.edges, "nodes": nodes, "ranking": network.ranking}


def _far(one: dict[str, Network], two: dict[str, Network], knowledge: pd.DataFrame | None) -> list[str]:
    """Say where networks differ by more than rounding, which decides between networks of one score."""
    wrong = [text for network in two.values() for text in broken(network, knowledge)]
    for label in one:
        here, there = (
            dict(zip(zip(net.edges["source"], net.edges["target"], strict=True), net.edges["weight"], strict=True))
            for net in (one[label], two[label])
        )
        score, other = (float(net.facts["order"]["score"]) for net in (one[label], two[label]))
        if abs(score - other) > TIE * max(1.0, abs(score)):
            wrong.append(f"{ELSEWHERE}, {score:.6g} and {other:.6g}")
        elif here.keys() == there.keys() and any(
            abs(here[pair] - there[pair]) > CLOSE * max(1.0, abs(here[pair])) for pair in here
        ):
            wrong.append("weights differ")
    return wrong


def behind(seed: int) -> tuple[float, float]:
    """Learn lines among few genes by the order search and by climbing; return the score at which each ends."""
    rng = np.random.default_rng([2027, seed])
    d = int(rng.integers(3, 9))
    X = rng.standard_normal((200, d))
    for j in range(1, d):
        X[:, j] += X[:, :j] @ (rng.normal(0, 0.8, j) * (rng.random(j) < 0.5))
    X = X[:, rng.permutation(d)]
    scaled = scale_genes(lambda a, b: X.T[a:b], d)
    problem = CoreProblem(correlate(scaled, 1), Constraints.of_sources(np.ones(d, bool)), ThreadBackend(1))
    pairs = Candidates.from_pairs(*np.nonzero(~np.eye(d, dtype=bool)), n_genes=d)
    blocks = build_blocks(problem, pairs, score=ScoreSettings(equal_noise=False, gamma=1.0, rounds=8))
    ordered = search_order(blocks, pairs, np.arange(d, dtype=np.int32), rounds=8, seed=seed)
    climbed, _ = hill_climbing.search(
        problem,
        pairs,
        np.arange(d),
        settings=hill_climbing.Settings(LeastSquares(), shortlist=100, perturbations=8, expanded=0, gamma=1.0),
        screening=ScreenSettings(10, 4.0, 10, 0.05, 48),
        seed=seed,
        rescreens=False,
    )
    return float(ordered.score), float(climbed.score)
