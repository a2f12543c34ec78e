"""The structural intervention distance of two acyclic graphs (Peters and Buehlmann 2015)."""

from __future__ import annotations

import numpy as np


def intervention_distance(truth: np.ndarray, found: np.ndarray) -> int:
    """Return for how many pairs (i, j) the parents that were found of i do not tell what doing i does to j.

    Both are ``(d, d)`` bool with ``A[i, j]`` an edge from i to j; what was found may have cycles, as parents alone are
    asked for.  A pair is right if j is among the parents of i and no effect of it, or if these are no effects of what
    lies on a way from i to j and block every other way between the two.
    """
    d = len(truth)
    reach = _reach(truth)
    wrong = 0
    for i in range(d):
        parents = found[:, i].copy()
        parents[i] = False
        others = np.flatnonzero(~parents & (np.arange(d) != i))
        wrong += int(np.sum(reach[i, parents]))
        for j in others:
            between = truth[i] & (reach[:, j] | (np.arange(d) == j))  # first steps of ways from i to j
            cut = truth.copy()
            cut[i, between] = False
            spoilt = reach[i] & (reach[:, j] | (np.arange(d) == j))  # what lies on those ways, j among them
            after = spoilt | reach[spoilt].any(axis=0)
            wrong += bool((parents & after).any()) or j in _connected(cut, i, given=parents)
    return wrong


def _reach(A: np.ndarray) -> np.ndarray:
    """Return from where a way of one edge or more leads where, ``(d, d)`` bool."""
    reach = A.copy()
    for _ in range(int(np.ceil(np.log2(max(len(A), 2))))):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    return reach


def _connected(A: np.ndarray, start: int, *, given: np.ndarray) -> set[int]:
    """Return what is not d-separated from ``start``, by the ball of Bayes (Shachter 1998)."""
    opened = given | _reach(A)[:, given].any(axis=1)  # colliders here let through
    seen, todo = set(), [(start, True)]  # the second says whether the ball comes from a child, as at the start
    while todo:
        node, from_child = todo.pop()
        if (node, from_child) in seen:
            continue
        seen.add((node, from_child))
        if from_child and not given[node]:
            todo += [(int(k), True) for k in np.flatnonzero(A[:, node])]
        if not given[node]:
            todo += [(int(k), False) for k in np.flatnonzero(A[node])]
        if not from_child and opened[node]:
            todo += [(int(k), True) for k in np.flatnonzero(A[:, node])]
    return {node for node, _ in seen if not given[node]}
