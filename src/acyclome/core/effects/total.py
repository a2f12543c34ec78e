"""What follows from acting on genes of a network: the expected change of every other.

With ``W[i, j]`` the weight of ``i -> j``, adding to a gene moves the others by its row of the total effects,

    T_i = e_i + T_i W,

which one pass over an order of the genes solves; an experiment may have measured that row instead.  Holding genes ``D``
at changes ``v`` (Pearl 2009, do-calculus) is adding to each of them what brings all of them there, after whatever is
added elsewhere has moved the genes by ``b``:

    u T_DD = v - b_D,    delta = b + u T_D.

For a linear network that is the same as cutting the edges into ``D``, and it asks for total effects only.  Measured
ones may go both ways between held genes; near a loop that would run away they are halved until it does not.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve_triangular

from acyclome.core.data.index_maps import inverse

ANY = -1  # in the place of a source: what every loss of a gene does, beyond the network
LEAST_DET = 0.5  # of T_DD, 1 without feedback among the held genes and 0 where they would run away; half way, by eye


def responses(
    source: np.ndarray, target: np.ndarray, weight: np.ndarray, *, order: np.ndarray, genes: np.ndarray
) -> np.ndarray:
    """Return the total effects of some genes on all, ``(k, d)``, in the units of the weights; of each on itself, 1.

    The edges, ``(m,)``, are those of an acyclic graph, of which ``order``, ``(d,)``, has every source before its
    target.
    """
    d = len(order)
    rank = inverse(order).astype(np.int32)  # indices of a matrix that is factorized: scipy before 1.17 takes no others
    W = csr_array((weight, (rank[target], rank[source])), shape=(d, d))
    system = (eye_array(d, format="csr") - W).tocsr()
    pushed = np.zeros((d, len(genes)))
    pushed[rank[genes], np.arange(len(genes))] = 1.0
    moved: np.ndarray = spsolve_triangular(system, pushed, lower=True, unit_diagonal=True)
    return moved[rank].T


def changes(T: np.ndarray, genes: np.ndarray, amount: np.ndarray, *, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected change of every gene, ``(d,)``, and what was added to each gene acted on, ``(k,)``.

    ``T`` are the total effects of the genes acted on, ``(k, d)``; ``amount``, ``(k,)``, what is added to each, or where
    it is ``held``, so that its causes no longer count, what its change is.
    """
    added = np.where(held, 0.0, amount)
    if held.any():
        D = genes[held]
        missing = amount[held] - (added @ T)[D]
        added[held] = np.linalg.solve(_without_runaway(T[held][:, D]).T, missing)
    moved = added @ T
    moved[genes[held]] = amount[held]
    return moved, added


def _without_runaway(T: np.ndarray) -> np.ndarray:
    itself = np.eye(len(T))
    while np.linalg.det(T) < LEAST_DET:
        T = (T + itself) / 2  # its determinant tends to 1
    return T
