"""Accuracy of a learned graph against a known one.

Edges are pairs `(source, target)` of integer arrays; everything works on sorted keys, nothing is d x d. An estimate may
hold both directions of a pair: such a pair is undecided, counts once, and is right where the truth joins the two genes
(the lenient rule of the NOTEARS papers).
"""

from __future__ import annotations

import numpy as np

from acyclome.core.graph.equivalence import cpdag, is_dag, random_member

Edges = tuple[np.ndarray, np.ndarray]


def graph_scores(
    truth: Edges, estimate: Edges, d: int, *, rng: np.random.Generator | None = None, draws: int = 5
) -> dict[str, float | int | bool]:
    """Score a graph in every way at once.

    Edges are (source, target), shapes (m,) and (k,), of genes 0..d-1; any other is a ValueError. `rng` draws the
    members of the true class for the ceiling; None leaves it out (nan). `class_f1` and `ceiling` are nan where a graph
    is cyclic, precisions and recalls 0 where there is nothing to count.
    """
    counts = _count(truth, estimate, d)
    is_acyclic = is_dag(*estimate, d)
    both_acyclic = is_acyclic and is_dag(*truth, d)
    right, called, true = counts["correct"], counts["edges"], counts["true_edges"]
    sk_right = counts["skeleton_correct"]
    sk_true = sk_right + counts["missing"]
    return {
        "shd": counts["extra"] + counts["missing"] + counts["reversed"],
        "precision": _ratio(right, called),
        "recall": _ratio(right, true),
        "f1": _ratio(2 * right, called + true),
        "fdr": _ratio(counts["reversed"] + counts["extra"], called),
        "skeleton_precision": _ratio(sk_right, called),
        "skeleton_recall": _ratio(sk_right, sk_true),
        "skeleton_f1": _ratio(2 * sk_right, called + sk_true),
        "class_f1": class_f1(truth, estimate, d) if both_acyclic else float("nan"),
        "ceiling": ceiling(truth, d, rng, draws=draws) if rng is not None and is_dag(*truth, d) else float("nan"),
        **{key: counts[key] for key in ("true_edges", "edges", "correct", "reversed", "extra", "missing", "undecided")},
        "is_dag": is_acyclic,
    }


def class_f1(truth: Edges, estimate: Edges, d: int) -> float:
    """F1 of joined pairs whose mark (->, <-, undirected) agrees between the two equivalence classes.

    The fair figure for linear Gaussian data, where the members of a class cannot be told apart. Both graphs have to be
    acyclic; 0 where no pair agrees.
    """
    true, called = _marks(truth, d), _marks(estimate, d)
    return _ratio(2 * np.intersect1d(true, called, assume_unique=True).size, true.size + called.size)


def ceiling(truth: Edges, d: int, rng: np.random.Generator, *, draws: int = 5) -> float:
    """Share of the true edges that a random member of the true equivalence class has right, in the mean.

    Where directed F1 ends for a method that sees the class only; nan for a graph without edges.
    """
    source, target = truth
    if not len(source):
        return float("nan")
    return float(np.mean([np.mean(random_member(source, target, d, rng=rng)[0] == source) for _ in range(draws)]))


def _count(truth: Edges, estimate: Edges, d: int) -> dict[str, int]:
    true, called = _keys(truth, d), _keys(estimate, d)
    called = called[called // d != called % d]  # a gene that causes itself is no edge
    turned = called % d * d + called // d
    is_undecided = np.isin(turned, called)
    undecided = called[is_undecided & (called < turned)]
    decided, opposite = called[~is_undecided], turned[~is_undecided]
    pairs = np.unique(_unordered(true, d))  # the truth may be cyclic
    joined = np.isin(_unordered(decided, d), pairs)
    right = np.isin(decided, true)
    undecided_right = int(np.isin(undecided, pairs).sum())
    skeleton_correct = int(joined.sum()) + undecided_right
    return {
        "true_edges": true.size,
        "edges": decided.size + undecided.size,
        "correct": int(right.sum()) + undecided_right,
        "reversed": int((np.isin(opposite, true) & ~right).sum()),
        "extra": int((~joined).sum()) + undecided.size - undecided_right,
        "missing": pairs.size - skeleton_correct,
        "undecided": undecided.size,
        "skeleton_correct": skeleton_correct,
    }


def edge_ends(edges: Edges, d: int) -> Edges:
    """Return both ends as int64; a ValueError says where they reach beyond genes 0 to d - 1."""
    source, target = (np.asarray(end, dtype=np.int64) for end in edges)
    if source.size and (min(source.min(), target.min()) < 0 or max(source.max(), target.max()) >= d):
        msg = f"Edges must join genes 0 to {d - 1}; the given ones reach outside."
        raise ValueError(msg)
    return source, target


def _keys(edges: Edges, d: int) -> np.ndarray:
    source, target = edge_ends(edges, d)
    return np.unique(source * d + target)


def _unordered(key: np.ndarray, d: int) -> np.ndarray:
    return np.minimum(key, key % d * d + key // d)


def _marks(edges: Edges, d: int) -> np.ndarray:
    """One number per edge of the completed graph: the arc where it is compelled, the pair + d^2 where it is not."""
    source, target = (np.asarray(end, dtype=np.int64) for end in edges)
    key = source * d + target
    return np.where(cpdag(source, target, d), key, _unordered(key, d) + d * d)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
