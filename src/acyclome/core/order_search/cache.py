"""Scores met before: the score of a gene is a function of the set of candidates that stand before it.

A search asks for the same sets again and again, shakes above all, since each begins where the last began.  A set is
known by its mark, the exclusive or of one pseudo-random word per candidate edge (Zobrist 1970), which a change of sides
updates in one operation.  Two sets with one mark are not to be met: among a billion sets by a chance of 3 in 100.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel

MAX_BITS = 20


class Memo(NamedTuple):
    """A table of ``2^b`` scores, each at the place that the last bits of its mark name; the later takes the place.

    Parameters
    ----------
    mark, score
        ``(2^b,)`` uint64 marks (0: empty) and float64 scores.
    """

    mark: np.ndarray
    score: np.ndarray


def new_memo(n_edges: int) -> Memo:
    """Return an empty table with four to eight places per candidate edge, 16 MB at most."""
    size = 1 << min(max(int(4 * n_edges).bit_length(), 4), MAX_BITS)
    return Memo(np.zeros(size, np.uint64), np.zeros(size))


@kernel(_nrt=False)
def mark_of(i):
    """Word of candidate edge ``i``, and for ``-1 - j`` that of gene ``j`` (splitmix64: Steele, Lea and Flood 2014)."""
    z = np.uint64(i) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x632BE59BD9B4E019)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel(_nrt=False)
def recall(memo, mark):
    """Return the score of the set with this mark, nan if it is not in the table."""
    at = mark & np.uint64(len(memo.mark) - 1)
    return memo.score[at] if memo.mark[at] == mark else np.nan


@kernel(_nrt=False)
def remember(memo, mark, score):
    """Put a score into the table."""
    at = mark & np.uint64(len(memo.mark) - 1)
    memo.mark[at] = mark
    memo.score[at] = score
