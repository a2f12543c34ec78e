"""Where the core computes: on threads of this machine, or on the device of some tensors.

The order search is no part of it: its single moves depend on one another, so it stays on threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from acyclome.core.data.candidates import Candidates
from acyclome.core.data.moments import WHOLE_GENES, Moments, correlate, with_correlations
from acyclome.core.data.problem import Problem
from acyclome.core.relaxation.partitioned import Workers
from acyclome.core.screening.batched import correlations_of, screen_batched
from acyclome.core.screening.screen import ScreenSettings, Views, is_screened, screen, unite

if TYPE_CHECKING:
    import torch

TOGETHER_BYTES = 8_000_000_000  # of the blocks and correlations of the networks that are relaxed in one call; by eye
_alone = Lock()  # one problem at a time, so that the device needs the memory of one


class Backend(Protocol):
    """Who correlates and screens, and where the relaxation is computed."""

    @property
    def threads(self) -> int:
        """Threads of this machine; no bit depends on them."""

    @property
    def can_partition(self) -> bool:
        """Whether the genes of a relaxation may be partitioned among workers."""

    @property
    def sums_halves(self) -> bool:
        """Whether products of genes are added up for all half-samples at once; a card takes each as fast by itself."""

    @property
    def workers(self) -> Workers | None:
        """Who takes parts of a relaxation; the bits are the same without."""

    @property
    def device(self) -> torch.device | str:
        """Where torch computes what is written with it."""

    @property
    def dtype(self) -> torch.dtype | None:
        """Of a relaxation in tensors on the device; None where it is one of numpy and threads."""

    def alone(self) -> AbstractContextManager[object]:
        """Wait for the device to be free, and keep it."""

    def with_threads(self, threads: int) -> Backend:
        """Return the same with so many threads."""

    def correlate(self, bare: Moments) -> Moments:
        """Return the moments with all correlations, as far as so many can be held."""

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        """Return the candidate edges."""

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Cut networks of ``sizes`` genes with up to ``width`` candidates into runs that one call relaxes."""


@dataclass(frozen=True)
class ThreadBackend:
    """On threads: the same bits for any number of them.

    ``workers`` take parts of a relaxation; ``views`` has workers find what the screening sees, range by range.  The
    bits are the same without them.
    """

    threads: int = 1
    workers: Workers | None = None
    views: Callable[[], Views] | None = None

    @property
    def can_partition(self) -> bool:
        return True

    @property
    def sums_halves(self) -> bool:
        return True

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def dtype(self) -> None:
        return None

    def alone(self) -> AbstractContextManager[object]:
        return nullcontext()

    def with_threads(self, threads: int) -> ThreadBackend:
        return replace(self, threads=threads)

    def correlate(self, bare: Moments) -> Moments:
        return correlate(bare, self.threads)

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        if self.views is None or not is_screened(problem, settings):
            return screen(problem, settings)
        return unite(problem, self.views(), settings)

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Every network goes alone."""
        return [(number, number + 1) for number in range(len(sizes))]


@dataclass(frozen=True)
class DeviceBackend:
    """On a device, through torch: the same network up to rounding, whose bits belong to the device.

    The series keeps all flow there, whatever its ``drop``.  Networks that are relaxed in one call are filled up to the
    most genes of any, so forms of ``h`` whose coefficients depend on that number see a little less of the smaller ones.
    ``dtype`` is that of the relaxation; correlations keep that of the data.
    """

    device: torch.device
    dtype: torch.dtype
    threads: int = 1

    @property
    def can_partition(self) -> bool:
        return False

    @property
    def sums_halves(self) -> bool:
        return False

    @property
    def workers(self) -> None:
        return None

    def alone(self) -> AbstractContextManager[object]:
        return _alone

    def with_threads(self, threads: int) -> DeviceBackend:
        return replace(self, threads=threads)

    def correlate(self, bare: Moments) -> Moments:
        if bare.n_genes > WHOLE_GENES:
            return bare
        import torch

        with self.alone():
            R = correlations_of(torch.as_tensor(bare.Z, device=self.device)).cpu().numpy()
        return with_correlations(bare, R)

    def screen(self, problem: Problem, settings: ScreenSettings) -> Candidates:
        with self.alone():
            return screen_batched(problem, settings, self.device)

    def together(self, sizes: Sequence[int], width: int) -> list[tuple[int, int]]:
        """Put as many networks together as ``TOGETHER_BYTES`` hold, in their order."""
        runs: list[tuple[int, int]] = []
        first = 0
        for number in range(1, len(sizes) + 1):
            widest = max(sizes[first : number + 1])
            # Of a gene four float64 for every entry of its block, and one for every correlation.
            needed = (number + 1 - first) * widest * (32.0 * width * width + 8.0 * widest)
            if number == len(sizes) or needed > TOGETHER_BYTES:
                runs.append((first, number))
                first = number
        return runs
