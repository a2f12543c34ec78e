"""The one solver loop: problems side by side x schedule x stepper.

A stepper proposes, a line search on the merit ``mu F + alpha h + rho/2 h^2`` keeps it honest, the schedule tightens the
weights.  Every member of a batch has weights, halvings and an end of its own; one that is done leaves the arrays, so
that it costs nothing and nothing that happens to the others can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from acyclome.core.relaxation.schedule import Schedule, Weights
from acyclome.errors import ConfigError

Status = Literal["converged", "stalled", "max_steps", "out_of_domain"]


class Point(NamedTuple):
    """Where the members stand: ``F`` and ``h``, ``(m,)`` float64, and ``omega = dh/dA`` in the shape of the weights."""

    F: np.ndarray
    h: np.ndarray
    omega: Any


class Problem(Protocol):
    """Problems side by side, the members: first axis of all weights, numpy or torch.

    Steppers ask for more, see ``needs``: ``solve(ridge, W)``, the minimum of ``F + sum_e ridge_e A_e``, or nearer to it
    than ``W``; ``gradient(ridge, W)``, the slope of its smooth part, and ``shrink(W, amount)``, the proximal map of the
    rest.
    """

    def evaluate(self, W: Any) -> Point:
        """Objective, cyclicity and its gradient in the strengths."""
        ...

    def take(self, members: np.ndarray) -> Problem:
        """Return the problem of some members."""
        ...

    def lift(self, values: np.ndarray) -> Any:
        """Return a number of every member, ``(m,)``, as an array that multiplies weights."""
        ...

    def lacks(self, ability: str) -> str | None:
        """Name the part that has no such ability; None if there is one that has it."""
        ...


class Stepper(Protocol):
    """How the next weights are proposed; its memory is a tuple of arrays whose first axis are the members."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Abilities of the problem that it calls."""
        ...

    @property
    def every(self) -> int:
        """After how many steps the fall of the merit is judged."""
        ...

    def start(self, problem: Any, W: Any) -> tuple[Any, ...]:
        """Memory before the first step of a stage."""
        ...

    def propose(self, problem: Any, W: Any, at: Point, weights: Weights, memory: tuple[Any, ...]) -> tuple[Any, tuple]:
        """Return the weights to go to, and the memory of the next step."""
        ...


class PathPoint(NamedTuple):
    """One stage of the schedule: its weight of the objective, what it cost and where it ended."""

    mu: float
    steps: int
    objective: float
    h: float
    status: Status


@dataclass(frozen=True)
class Solution:
    """Weights of one member, the path that led there and its last status."""

    W: Any
    path: tuple[PathPoint, ...]

    @property
    def status(self) -> Status:
        """Status of the last point of the path."""
        return self.path[-1].status


class _Run(NamedTuple):
    """The members that are not done, ``(m,)``: their numbers, where they stand, and what their stage has seen so far.

    ``last`` is the merit when it was last judged, ``fresh`` whether the memory is that of a start.
    """

    members: np.ndarray
    problem: Any
    W: Any
    at: Point
    memory: tuple[Any, ...]
    stages: list[Weights]
    steps: np.ndarray
    last: np.ndarray
    fresh: np.ndarray

    def keep(self, members: np.ndarray) -> _Run:
        """Return the run of some members."""
        return _Run(
            self.members[members],
            self.problem.take(members),
            self.W[members],
            Point(*(part[members] for part in self.at)),
            tuple(part[members] for part in self.memory),
            [self.stages[i] for i in members],
            self.steps[members],
            self.last[members],
            self.fresh[members],
        )


def solve(problem: Problem, schedule: Schedule, stepper: Stepper, W: Any) -> list[Solution]:
    """Minimize the objective of every member under the constraint, along ``schedule``, from ``W``, ``(members, ...)``.

    Raises
    ------
    ConfigError
        If the stepper calls what the problem has not.
    """
    check_pairing(problem, stepper)
    paths: list[list[PathPoint]] = [[] for _ in range(len(W))]
    found: dict[int, Solution] = {}
    run = _begin(problem, schedule, stepper, W)
    while len(run.members):
        run, ended = _step(run, schedule, stepper)
        if not any(ended):
            continue
        run, goes_on = _tighten(run, schedule, stepper, ended, paths)
        for i in np.flatnonzero(~goes_on):
            number = int(run.members[i])
            found[number] = Solution(run.W[i], tuple(paths[number]))
        if not goes_on.all():
            run = run.keep(np.flatnonzero(goes_on))
    return [found[number] for number in range(len(W))]


def check_pairing(problem: Problem, stepper: Stepper) -> None:
    """Refuse a stepper that calls what the problem has not.

    Raises
    ------
    ConfigError
        Naming both parts and the missing ability.
    """
    for ability in stepper.needs:
        part = problem.lacks(ability)
        if part is not None:
            msg = (
                f"{type(stepper).__name__} needs {ability!r}, which {part} has not. Take a stepper that does without "
                "(BlockSolve needs 'solve', ProximalAdam 'gradient' and 'shrink'), or another model."
            )
            raise ConfigError(msg)


def _begin(problem: Problem, schedule: Schedule, stepper: Stepper, W: Any) -> _Run:
    n = len(W)
    at = problem.evaluate(W)
    stages = [schedule.start() for _ in range(n)]
    last = np.array([one.merit(F, h) for one, F, h in zip(stages, at.F, at.h, strict=True)])
    return _Run(
        np.arange(n), problem, W, at, stepper.start(problem, W), stages, np.zeros(n, int), last, np.ones(n, bool)
    )


def _step(run: _Run, schedule: Schedule, stepper: Stepper) -> tuple[_Run, list[Status | None]]:
    """Take one step with every member; say of each how its stage ended, None where it goes on.

    A member whose step may not be taken forgets what it remembers; if it had nothing to forget, its stage has ended.
    """
    weights = Weights.side_by_side(run.stages)
    goal, memory = stepper.propose(run.problem, run.W, run.at, weights, run.memory)
    W, at, moved = _search(run, goal, weights, schedule.max_halvings)
    steps, merit = run.steps + 1, weights.merit(at.F, at.h)
    judged = steps % stepper.every == 0
    with np.errstate(invalid="ignore"):  # inf - inf of a member that is still outside the domain
        settled = judged & (run.last - merit <= schedule.rtol * np.abs(run.last))
    stuck = ~moved & (run.fresh | (not memory))
    if not moved.all():
        settled = np.where(moved, settled, stuck & _close(goal, run.W, schedule.rtol))
        memory = _restarted(memory, stepper, run.problem, W, ~moved)
    ended: list[Status | None] = [
        "converged" if s else "stalled" if f else "max_steps" if n == schedule.max_steps else None
        for s, f, n in zip(settled, stuck, steps, strict=True)
    ]
    last = np.where(judged, merit, run.last)
    return run._replace(W=W, at=at, memory=memory, steps=steps, last=last, fresh=~moved), ended


def _search(run: _Run, goal: Any, weights: Weights, max_halvings: int) -> tuple[Any, Point, np.ndarray]:
    """Halve the step of every member towards ``goal`` until the merit falls; where it never does the member stays."""
    W, at, eta = run.W, run.at, 1.0
    moved = np.zeros(len(run.members), bool)
    before = weights.merit(at.F, at.h)
    for _ in range(max_halvings + 1):
        left = np.flatnonzero(~moved)
        problem = run.problem.take(left)
        far, near = _some(goal, left), _some(run.W, left)
        trial = far if eta == 1.0 else near + eta * (far - near)
        found = problem.evaluate(trial)
        some = Weights(*(part[left] for part in weights))
        taken = np.isfinite(found.h) & (some.merit(found.F, found.h) < before[left])
        moved[left[taken]] = True
        W = _put(W, left, taken, trial)
        at = Point(*(_put(old, left, taken, new) for old, new in zip(at, found, strict=True)))
        if moved.all():
            break
        eta /= 2.0
    return W, at, moved


def _tighten(
    run: _Run, schedule: Schedule, stepper: Stepper, ended: list[Status | None], paths: list[list[PathPoint]]
) -> tuple[_Run, np.ndarray]:
    """Begin the next stage of members whose last one ended, and write that down; say who goes on, ``(m,)`` bool."""
    stages, steps, last = list(run.stages), run.steps.copy(), run.last.copy()
    goes_on = np.ones(len(stages), bool)
    for i, status in enumerate(ended):
        if status is None:
            continue
        now, F, h = stages[i], float(run.at.F[i]), float(run.at.h[i])
        status = status if np.isfinite(h) else "out_of_domain"
        paths[run.members[i]].append(PathPoint(float(now.mu), int(steps[i]), F, h, status))
        following = schedule.tighten(now, h)
        goes_on[i] = following is not None
        if following is not None:
            stages[i], steps[i], last[i] = following, 0, following.merit(run.at.F[i], run.at.h[i])
    begun = np.array([status is not None for status in ended])
    memory = _restarted(run.memory, stepper, run.problem, run.W, begun)
    return run._replace(stages=stages, steps=steps, last=last, memory=memory, fresh=run.fresh | begun), goes_on


def _restarted(memory: tuple[Any, ...], stepper: Stepper, problem: Any, W: Any, begun: np.ndarray) -> tuple[Any, ...]:
    """Return the memory with that of some members, ``(m,)`` bool, as at a start."""
    every = np.arange(len(begun))
    return tuple(_put(old, every, begun, new) for old, new in zip(memory, stepper.start(problem, W), strict=True))


def _some(values: Any, members: np.ndarray) -> Any:
    """Return the rows of some members; the array itself where they are all."""
    return values if len(members) == len(values) else values[members]


def _put(values: Any, members: np.ndarray, taken: np.ndarray, new: Any) -> Any:
    """Return ``values`` with the rows ``members[taken]`` replaced by ``new[taken]``; nothing is written into them."""
    if not taken.any():
        return values
    if taken.all() and len(members) == len(values):
        return new
    whole = values.copy() if isinstance(values, np.ndarray) else values.clone()
    whole[members[taken]] = new[taken]
    return whole


def _close(one: Any, other: Any, atol: float) -> np.ndarray:
    """Say of which members the weights are the same up to ``atol``, ``(m,)`` bool, as :func:`numpy.allclose` does."""
    near = abs(one - other) <= atol + 1e-5 * abs(other)
    return np.array([bool(member.all()) for member in near])
