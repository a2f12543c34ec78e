"""The one solver loop: problems side by side x schedule x stepper.

A stepper proposes, a line search on the merit ``mu F + alpha h + rho/2 h^2`` keeps it honest, the schedule tightens the
weights.  Every problem of a batch has weights, halvings and an end of its own; one that is done leaves the arrays, so
that it costs nothing and nothing that happens to the others can change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from acyclome.core.relaxation.schedule import Schedule, Weights
from acyclome.core.relaxation.tree import Array, Params, count, is_close, lift, map_leaves, replace_rows, select
from acyclome.errors import ConfigError

Status = Literal["converged", "stalled", "max_steps", "out_of_domain"]
Memory = dict[str, Any]
"""What a stepper remembers: a tree of arrays whose first axis are the problems."""


class Point(NamedTuple):
    """Where problems stand: ``F`` and ``h``, ``(m,)`` float64, and ``omega = dh/dA`` in the shape of the strengths."""

    F: np.ndarray
    h: np.ndarray
    omega: Array


class Iterate(NamedTuple):
    """What a stepper sees: unknowns, where they stand, the weights of the merit, and what it remembers."""

    params: Params
    at: Point
    weights: Weights
    memory: Memory

    @property
    def ridge(self) -> Array:
        """Weight of every strength once ``h`` is linearized and the merit divided by ``mu``."""
        omega = self.at.omega
        return lift(self.weights.multiplier(self.at.h), omega) * omega / lift(self.weights.mu, omega)


class SolverProblem(Protocol):
    """Problems side by side, on candidates with numpy or on tensors: one model, its statistics, one acyclicity.

    It is a :class:`BlockProblem` or a :class:`SlopeProblem`, or both, as far as ``abilities`` says.
    """

    @property
    def name(self) -> str:
        """The model, and where it is computed."""

    @property
    def abilities(self) -> frozenset[str]:
        """What steppers may call."""

    def evaluate(self, params: Params) -> Point:
        """Objective, cyclicity and its gradient in the strengths."""

    def take(self, problems: np.ndarray) -> SolverProblem:
        """Return some of the problems."""


class BlockProblem(SolverProblem, Protocol):
    """Problems that can be solved once ``h`` is linearized."""

    def solve(self, params: Params, ridge: Array) -> Params:
        """Return the minimum of ``F + sum_e ridge_e A_e``, or what is nearer to it than ``params``."""


class SlopeProblem(SolverProblem, Protocol):
    """Problems whose objective is a smooth part and a penalty."""

    def gradient(self, params: Params, ridge: Array) -> Params:
        """Return the slope of the smooth part of ``F + sum_e ridge_e A_e``."""

    def shrink(self, params: Params, amount: Params) -> Params:
        """Return the proximal map of the penalty, ``amount`` steps long, elementwise."""


class Stepper(Protocol):
    """How the next unknowns are proposed."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Abilities of the problem that it calls."""

    @property
    def every(self) -> int:
        """After how many steps the fall of the merit is judged."""

    def start(self, params: Params) -> Memory:
        """Memory before the first step of a stage."""

    def propose(self, problem: Any, now: Iterate) -> tuple[Params, Memory]:
        """Return the unknowns to go to, and the memory of the next step."""


class PathPoint(NamedTuple):
    """One stage of the schedule: its weight of the objective, what it cost and where it ended."""

    mu: float
    steps: int
    objective: float
    h: float
    status: Status


@dataclass(frozen=True)
class Solution:
    """Unknowns of one problem, the path that led there and its last status."""

    params: Params
    path: tuple[PathPoint, ...]

    @property
    def status(self) -> Status:
        """Status of the last point of the path."""
        return self.path[-1].status


class _Run(NamedTuple):
    """The problems that are not done, ``(m,)``: their numbers, where they stand, and what their stage has seen so far.

    ``last`` is the merit when it was last judged, ``fresh`` whether the memory is that of a start.
    """

    numbers: np.ndarray
    problem: SolverProblem
    params: Params
    at: Point
    memory: Memory
    stages: list[Weights]
    steps: np.ndarray
    last: np.ndarray
    fresh: np.ndarray

    def keep(self, problems: np.ndarray) -> _Run:
        """Return the run of some problems."""
        return _Run(
            self.numbers[problems],
            self.problem.take(problems),
            select(self.params, problems),
            Point(*(part[problems] for part in self.at)),
            select(self.memory, problems),
            [self.stages[i] for i in problems],
            self.steps[problems],
            self.last[problems],
            self.fresh[problems],
        )


def solve(problem: SolverProblem, params: Params, *, schedule: Schedule, stepper: Stepper) -> list[Solution]:
    """Minimize the objective of every problem under the constraint, along ``schedule``, from ``params``."""
    check_pairing(problem, stepper)
    paths: list[list[PathPoint]] = [[] for _ in range(count(params))]
    solutions: dict[int, Solution] = {}
    run = _begin(problem, params, schedule, memory=stepper.start(params))
    while len(run.numbers):
        run, ended = _step(run, schedule, stepper)
        if not any(ended):
            continue
        run, goes_on = _tighten(run, ended, paths, schedule=schedule, stepper=stepper)
        for i in np.flatnonzero(~goes_on):
            number = int(run.numbers[i])
            solutions[number] = Solution({name: leaf[i] for name, leaf in run.params.items()}, tuple(paths[number]))
        if not goes_on.all():
            run = run.keep(np.flatnonzero(goes_on))
    return [solutions[number] for number in range(len(paths))]


def check_pairing(problem: SolverProblem, stepper: Stepper) -> None:
    """Refuse a stepper that calls what the problem has not, with both and the missing ability by name."""
    missing = [ability for ability in stepper.needs if ability not in problem.abilities]
    if missing:
        msg = (
            f"{type(stepper).__name__} needs {missing[0]!r}, which {problem.name} has not. Take a stepper that does "
            "without (fit.stepper: blocks needs 'solve'; adam and lbfgs need 'gradient' and 'shrink'; auto takes what "
            "there is), or another model."
        )
        raise ConfigError(msg)


def _begin(problem: SolverProblem, params: Params, schedule: Schedule, *, memory: Memory) -> _Run:
    n = count(params)
    at = problem.evaluate(params)
    stages = [schedule.start() for _ in range(n)]
    last = np.array([one.merit(F, h) for one, F, h in zip(stages, at.F, at.h, strict=True)])
    return _Run(np.arange(n), problem, params, at, memory, stages, np.zeros(n, int), last, np.ones(n, bool))


def _step(run: _Run, schedule: Schedule, stepper: Stepper) -> tuple[_Run, list[Status | None]]:
    """Take one step with every problem; say of each how its stage ended, None where it goes on.

    A problem whose step may not be taken forgets what it remembers; if it had nothing to forget, its stage has ended.
    """
    weights = Weights.side_by_side(run.stages)
    goal, memory = stepper.propose(run.problem, Iterate(run.params, run.at, weights, run.memory))
    params, at, moved = _search(run, goal, weights, max_halvings=schedule.max_halvings)
    steps, merit = run.steps + 1, weights.merit(at.F, at.h)
    judged = steps % stepper.every == 0  # a single first-order step says little
    with np.errstate(invalid="ignore"):  # inf - inf of a problem that is still outside the domain
        fallen = run.last - merit
    converged = judged & np.isfinite(run.last) & (fallen <= schedule.rtol * np.abs(run.last))
    stuck = ~moved & (run.fresh | (not memory))
    if not moved.all():
        converged = np.where(moved, converged, stuck & is_close(goal, run.params, schedule.rtol))
        memory = replace_rows(memory, stepper.start(params), ~moved)
    ended: list[Status | None] = [
        "converged" if c else "stalled" if f else "max_steps" if n == schedule.max_steps * stepper.every else None
        for c, f, n in zip(converged, stuck, steps, strict=True)
    ]
    last = np.where(judged, merit, run.last)
    return run._replace(params=params, at=at, memory=memory, steps=steps, last=last, fresh=~moved), ended


def _search(run: _Run, goal: Params, weights: Weights, *, max_halvings: int) -> tuple[Params, Point, np.ndarray]:
    """Halve the step of every problem towards ``goal`` until the merit falls; where it never does it stays."""
    params, at, eta = run.params, run.at, 1.0
    moved = np.zeros(len(run.numbers), bool)
    before = weights.merit(at.F, at.h)
    for _ in range(max_halvings + 1):
        left = np.flatnonzero(~moved)
        problem = run.problem.take(left)
        trial = select(goal, left)
        if eta < 1.0:  # a whole step is the goal to the last bit
            trial = map_leaves(lambda far, near, eta=eta: near + eta * (far - near), trial, select(run.params, left))
        reached = problem.evaluate(trial)
        some = Weights(*(part[left] for part in weights))
        taken = np.isfinite(reached.h) & (some.merit(reached.F, reached.h) < before[left])
        moved[left[taken]] = True
        params = replace_rows(params, trial, taken, rows=left)
        at = Point(*(replace_rows(old, new, taken, rows=left) for old, new in zip(at, reached, strict=True)))
        if moved.all():
            break
        eta /= 2.0
    return params, at, moved


def _tighten(
    run: _Run, ended: list[Status | None], paths: list[list[PathPoint]], *, schedule: Schedule, stepper: Stepper
) -> tuple[_Run, np.ndarray]:
    """Begin the next stage of problems whose last one ended, and write that down; say who goes on, ``(m,)`` bool."""
    stages, steps, last = list(run.stages), run.steps.copy(), run.last.copy()
    goes_on = np.ones(len(stages), bool)
    for i, status in enumerate(ended):
        if status is None:
            continue
        now, F, h = stages[i], float(run.at.F[i]), float(run.at.h[i])
        status = status if np.isfinite(h) else "out_of_domain"
        paths[run.numbers[i]].append(PathPoint(float(now.mu), int(steps[i]), F, h, status))
        following = schedule.tighten(now, h)
        goes_on[i] = following is not None
        if following is not None:
            stages[i], steps[i], last[i] = following, 0, following.merit(run.at.F[i], run.at.h[i])
    begun = np.array([status is not None for status in ended])
    memory = replace_rows(run.memory, stepper.start(run.params), begun)
    return run._replace(stages=stages, steps=steps, last=last, memory=memory, fresh=run.fresh | begun), goes_on
