"""Scores met before: the score of a gene is a function of the set of candidates that stand before it.

A search asks for the same sets again and again, perturbations above all, since each begins where the last began.  A set
is known by its hash, the exclusive or of one pseudo-random word per candidate edge (Zobrist 1970), which a change of
sides updates in one operation.  Two sets with one hash are not to be met: among a billion sets by a chance of 3 in 100.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.kernel import kernel

MAX_BITS = 20  # of a row number: 16 MB a thread
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # step of splitmix64 (Steele, Lea and Flood 2014), as the two factors below


class ScoreCache(NamedTuple):
    """A table of ``2^b`` hashes (0: empty) and scores, in the row that a hash's last bits name; the later takes it."""

    hash: np.ndarray
    score: np.ndarray


def new_cache(n_edges: int) -> ScoreCache:
    """Return an empty table with four to eight rows per candidate edge, 16 MB at most."""
    size = 1 << min(max(int(4 * n_edges).bit_length(), 4), MAX_BITS)  # a power of 2, so that rows are the last bits
    return ScoreCache(np.zeros(size, np.uint64), np.zeros(size))


@kernel(_nrt=False)
def mixed(z):
    """Mix the bits of a word, as splitmix64 does."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel(_nrt=False)
def hash_of(i):
    """Word of candidate edge ``i``, and for ``-1 - j`` that of gene ``j``."""
    return mixed(np.uint64(i) * GOLDEN + np.uint64(0x632BE59BD9B4E019))  # the offset: mixed(0) is 0


@kernel(_nrt=False)
def recall(cache, set_hash):
    """Return the score of the set with this hash, nan if it is not in the table."""
    row = set_hash & np.uint64(len(cache.hash) - 1)
    return cache.score[row] if cache.hash[row] == set_hash else np.nan


@kernel(_nrt=False)
def remember(cache, set_hash, score):
    row = set_hash & np.uint64(len(cache.hash) - 1)
    cache.hash[row] = set_hash
    cache.score[row] = score
