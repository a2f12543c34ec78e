"""Where the core computes: on threads of this machine, or on the device of some tensors.

The order search is no part of it: its single moves depend on one another, so it stays on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import WHOLE_GENES, Moments, correlate
from acyclome.core.data.problem import Problem
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


class Backend(Protocol):
    """Who correlates, screens and relaxes."""

    @property
    def threads(self) -> int:
        """Threads of this machine; no bit depends on them."""
        ...

    @property
    def can_partition(self) -> bool:
        """Whether the genes of a relaxation may be partitioned among workers."""
        ...

    @property
    def device(self) -> torch.device | str:
        """Where torch computes what is written with it."""
        ...

    def with_threads(self, threads: int) -> Backend:
        """Return the same with so many threads."""
        ...

    def correlate(self, bare: Moments) -> Moments:
        """Return the moments with all correlations, as far as so many can be held."""
        ...

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        """Return the candidate edges."""
        ...

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings) -> list[Relaxation]:
        """Fit the relaxation of every network from zero, and read an order off each."""
        ...

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Cut networks of ``sizes`` genes with up to ``width`` candidates into runs that one call relaxes."""
        ...


@dataclass(frozen=True)
class ThreadBackend:
    """On threads: the same bits for any number of them.

    Parameters
    ----------
    deal
        Deals the genes of a relaxation out to workers, see :func:`acyclome.core.relaxation.relax.relax`.
    views
        Has workers find what the screening sees, range by range; the bits are the same without it.
    """

    threads: int = 1
    deal: Deal | None = None
    views: Callable[[], Views] | None = None

    @property
    def can_partition(self) -> bool:
        return True

    @property
    def device(self) -> str:
        return "cpu"

    def with_threads(self, threads: int) -> ThreadBackend:
        return replace(self, threads=threads)

    def correlate(self, bare: Moments) -> Moments:
        return correlate(bare, self.threads)

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        if self.views is None or not is_screened(problem, settings):
            return screen(problem, settings)
        return unite(problem, self.views(), settings)

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings) -> list[Relaxation]:
        return [relax(problem, settings, self.threads, self.deal) for problem in problems]

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Every network goes alone."""
        return [(number, number + 1) for number in range(len(sizes))]


@dataclass(frozen=True)
class DeviceBackend:
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
    threads: int = 1

    @property
    def can_partition(self) -> bool:
        return False

    def with_threads(self, threads: int) -> DeviceBackend:
        return replace(self, threads=threads)

    def correlate(self, bare: Moments) -> Moments:
        if bare.n_genes > WHOLE_GENES:
            return bare
        import torch

        with _alone:
            return replace(bare, R=correlations_of(torch.as_tensor(bare.Z, device=self.device)).cpu().numpy())

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        with _alone:
            return screen_batched(problem, settings, self.device)

    def relax(self, problems: Sequence[RelaxProblem], settings: RelaxSettings) -> list[Relaxation]:
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
