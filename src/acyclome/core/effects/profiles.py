"""What every treatment did to every gene: means of its observations, and how sure they are.

A treatment is a set of targets, measured genes or not, and everything that is asked of its observations later hangs on
their number and their mean: sums for each gene and treatment, nothing of the order of targets x genes x genes.
"""

from __future__ import annotations

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.data.standardized import BlockReader
from acyclome.core.effects.doses import Treatments, Yardstick, sums_by_kind
from acyclome.core.effects.stacking import Profiles
from acyclome.core.workers import run_blocks

BLOCK = 128  # genes that a thread takes at once, as in effects.shifts


def profiles(read: BlockReader, kind: np.ndarray, by: Yardstick, *, n_kinds: int, threads: int = 1) -> Profiles:
    """Measure treatments; ``read(a, b)`` gives genes in units in which ``by`` is, ``kind`` ``(n,)`` is -1 for none."""
    count = np.bincount(kind[kind >= 0], minlength=n_kinds)
    per = 1.0 / np.maximum(count, 1)

    def block(a: int, b: int) -> np.ndarray:
        mean = sums_by_kind(read(a, b), kind, n_kinds=n_kinds)[0] * per[:, None]
        changed: np.ndarray = (mean - by.centre[a:b]) / by.scale[a:b]
        return changed

    parts = run_blocks(block, gene_blocks(len(by.centre), BLOCK), threads)
    error = np.sqrt((per[:, None] + 1.0 / by.n_centre) * by.noise)
    return Profiles(count, np.concatenate(parts, axis=1), error)


def profiles_of(problem: Problem, treatments: Treatments, by: Yardstick) -> Profiles:
    """Measure the treatments of the observations of a problem."""
    read, n_kinds = problem.data.standardized.block, len(treatments.gene)
    return profiles(read, treatments.kind, by, n_kinds=n_kinds, threads=problem.threads)
