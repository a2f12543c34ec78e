"""Trees of arrays: the unknowns of a relaxation, by name, and what a stepper remembers of them.

A tree is an array, numpy or torch, or a mapping from names to trees; problems side by side are the first axis of every
array.  So layers, variances and shared encoders have a place beside the weights of edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import torch

Array: TypeAlias = "np.ndarray | torch.Tensor"
Params: TypeAlias = Mapping[str, Array]
Tree: TypeAlias = "Array | Mapping[str, Any]"


def map_leaves(f: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return the tree of ``f(leaf, *leaves)``, from leaves that have the same names in all trees."""
    # Millions of leaves are asked of what class they are: of an array it is answered at once, of a Mapping it is not.
    if isinstance(tree, np.ndarray) or not isinstance(tree, Mapping):
        return f(tree, *others)
    return {name: map_leaves(f, part, *(other[name] for other in others)) for name, part in tree.items()}


def leaves(tree: Tree) -> list[Array]:
    """Return the arrays of a tree, in its order."""
    if isinstance(tree, np.ndarray) or not isinstance(tree, Mapping):
        return [tree]
    return [leaf for part in tree.values() for leaf in leaves(part)]


def count(params: Params) -> int:
    """Return how many problems stand side by side."""
    return len(next(iter(params.values())))


def lift(values: np.ndarray, like: Array) -> Array:
    """Return a number of every problem, ``(m,)``, as an array that multiplies ``like``, of its kind."""
    return of_kind(values, like).reshape(-1, *[1] * (like.ndim - 1))


def of_kind(values: np.ndarray, like: Array) -> Array:
    """Return numbers as an array of the kind of ``like``, where that is."""
    if isinstance(like, np.ndarray):
        return values
    import torch

    return torch.as_tensor(values, dtype=like.dtype, device=like.device)


def on_host(leaf: Array) -> np.ndarray:
    """Return an array as float64 of this process."""
    return leaf if isinstance(leaf, np.ndarray) else leaf.double().cpu().numpy()


def append(pairs: Array, new: Array) -> Array:
    """Return ``(m, k, ...)`` without its first and with ``new``, ``(m, ...)``, as its last along the second axis."""
    if isinstance(pairs, np.ndarray):
        return np.concatenate([pairs[:, 1:], new[:, None]], axis=1)
    import torch

    return torch.cat([pairs[:, 1:], new[:, None]], 1)


def select(tree: Any, problems: np.ndarray) -> Any:
    """Return the rows of some problems; the arrays themselves where they are all."""
    return map_leaves(lambda leaf: leaf if len(problems) == len(leaf) else leaf[problems], tree)


def replace_rows(tree: Any, new: Any, taken: np.ndarray, *, rows: np.ndarray | None = None) -> Any:
    """Return the tree with ``rows[taken]`` (of all rows if None) replaced by ``new[taken]``; nothing is overwritten."""

    def replaced(old: Any, other: Any) -> Any:
        if taken.all() and len(taken) == len(old):
            return other
        whole = old.copy() if isinstance(old, np.ndarray) else old.clone()
        whole[taken if rows is None else rows[taken]] = other[taken]
        return whole

    return map_leaves(replaced, tree, new) if taken.any() else tree


def is_close(one: Params, other: Params, atol: float) -> np.ndarray:
    """Say of which problems the arrays are the same up to ``atol``, ``(m,)`` bool, as :func:`numpy.allclose` does."""
    near = map_leaves(lambda a, b: abs(a - b) <= atol + 1e-5 * abs(b), one, other)  # 1e-5 as there
    return np.logical_and.reduce([[bool(problem.all()) for problem in leaf] for leaf in leaves(near)])


def dot(one: Params, other: Params) -> np.ndarray:
    """Return the inner product of every problem's arrays, ``(m,)`` float64."""
    sums = map_leaves(lambda a, b: (a * b).reshape(len(a), -1).sum(-1), one, other)
    return np.sum([on_host(leaf) for leaf in leaves(sums)], axis=0)
