"""Where the road through the core is computed: on threads of this machine, or on the device of some tensors.

The order search is no part of it: its single moves depend on one another, so it stays on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.constraints import EdgeRules
from acyclome.core.data.moments import WHOLE_GENES, Moments, correlate
from acyclome.core.relaxation.problem import OnTensors
from acyclome.core.relaxation.relax import Deal, Relaxation, RelaxProblem, RelaxSettings, linear_of, proposal, relax
from acyclome.core.relaxation.solve import solve
from acyclome.core.relaxation.steps import BlockSolve
from acyclome.core.screening.batched import correlations_of, screen_batched
from acyclome.core.screening.screen import ScreenSettings, Views, is_screened, screen, unite
from acyclome.models.linear.batched import BatchedLinear
from acyclome.models.linear.gram_blocks import Blocks, side_by_side

if TYPE_CHECKING:
    import torch

STEPS = 2000  # of a block solve, at most; a warm start takes tens
TOGETHER_BYTES = 8_000_000_000  # of the blocks and correlations of the networks that are relaxed in one call
_alone = Lock()  # one problem at a time, so that the device needs the memory of one


class Place(Protocol):
    """Who correlates, screens and relaxes."""

    @property
    def deals(self) -> bool:
        """Whether the genes of a relaxation may be dealt out to workers."""
        ...

    @property
    def device(self) -> torch.device | str:
        """Where torch computes what is written with it."""
        ...

    def correlate(self, bare: Moments, threads: int) -> Moments:
        """Return the moments with all correlations, as far as so many can be held."""
        ...

    def screen(
        self, moments: Moments, settings: ScreenSettings, causes: np.ndarray, threads: int, rules: EdgeRules | None
    ) -> Candidates:
        """Return the candidate edges."""
        ...

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings, threads: int) -> list[Relaxation]:
        """Fit the relaxation of every network from zero, and read an order off each."""
        ...

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Cut networks of ``sizes`` genes with up to ``width`` candidates into runs that one call relaxes."""
        ...


@dataclass(frozen=True)
class OnThreads:
    """On threads: the same bits for any number of them.

    Parameters
    ----------
    deal
        Deals the genes of a relaxation out to workers, see :func:`acyclome.core.relaxation.relax.relax`.
    views
        Has workers find what the screening sees, range by range; the bits are the same without it.
    """

    deal: Deal | None = None
    views: Callable[[], Views] | None = None

    @property
    def deals(self) -> bool:
        """Genes may be dealt out."""
        return True

    @property
    def device(self) -> str:
        """Processors."""
        return "cpu"

    def correlate(self, bare: Moments, threads: int) -> Moments:
        """Return the moments with all correlations, as far as so many can be held."""
        return correlate(bare, threads)

    def screen(
        self, moments: Moments, settings: ScreenSettings, causes: np.ndarray, threads: int, rules: EdgeRules | None
    ) -> Candidates:
        """Return the candidate edges."""
        if self.views is None or not is_screened(moments, settings):
            return screen(moments, settings, causes, threads, rules)
        return unite(self.views(), moments, settings, causes, rules)

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings, threads: int) -> list[Relaxation]:
        """Fit the relaxation of one network after the other."""
        return [relax(problem, settings, threads, self.deal) for problem in problems]

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Every network goes alone."""
        return [(number, number + 1) for number in range(len(sizes))]


@dataclass(frozen=True)
class OnDevice:
    """On a device, through torch: the same network up to rounding, whose bits belong to the device.

    The series keeps all flow there, whatever its ``drop``.  Networks that are relaxed in one call are filled up to the
    most genes of any, so forms of ``h`` whose coefficients depend on that number see a little less of the smaller ones.

    Parameters
    ----------
    device
        Where.
    dtype
        Of the relaxation; correlations keep that of the data.
    """

    device: torch.device
    dtype: torch.dtype

    @property
    def deals(self) -> bool:
        """Genes stay together."""
        return False

    def correlate(self, bare: Moments, threads: int) -> Moments:
        """Return the moments with all correlations, as far as so many can be held."""
        if bare.n_genes > WHOLE_GENES:
            return bare
        import torch

        with _alone:
            return replace(bare, R=correlations_of(torch.as_tensor(bare.Z, device=self.device)).cpu().numpy())

    def screen(
        self, moments: Moments, settings: ScreenSettings, causes: np.ndarray, threads: int, rules: EdgeRules | None
    ) -> Candidates:
        """Return the candidate edges."""
        with _alone:
            return screen_batched(moments, settings, causes, self.device, threads, rules)

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings, threads: int) -> list[Relaxation]:
        """Fit the relaxations of all networks in one call."""
        import torch

        linear = linear_of(settings)
        sem = BatchedLinear(linear.lambda1, STEPS, linear.tol)
        like = torch.empty(0, dtype=self.dtype, device=self.device)
        with _alone:
            blocks = side_by_side([Blocks.of(one.pools, one.gene_weight, like) for one in problems])
            problem = OnTensors(sem, settings.acyclicity, blocks)
            solutions = solve(problem, settings.schedule, BlockSolve(), torch.zeros_like(blocks.cross))
            found = []
            for number, (one, solution) in enumerate(zip(problems, solutions, strict=True)):
                W = blocks.on_candidates(solution.W, number, one.candidates)
                found.append(proposal(replace(solution, W=W), one.candidates, one.tie, settings))
        return found

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Put as many networks together as ``TOGETHER_BYTES`` hold, in their order."""
        runs: list[tuple[int, int]] = []
        first = 0
        for number in range(1, len(sizes) + 1):
            widest = max(sizes[first : number + 1])
            needed = (number + 1 - first) * widest * (32.0 * width * width + 8.0 * widest)
            if number == len(sizes) or needed > TOGETHER_BYTES:
                runs.append((first, number))
                first = number
        return runs
