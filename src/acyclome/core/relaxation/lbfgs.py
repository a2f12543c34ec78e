"""Steps for models without closed form that learn the curvature on the way: proximal Newton with a limited memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acyclome.core.relaxation.solve import Iterate, Memory, SlopeProblem
from acyclome.core.relaxation.tree import (
    Array,
    Params,
    append,
    dot,
    leaves,
    lift,
    map_leaves,
    of_kind,
    on_host,
    replace_rows,
)

CURVED = 1e-8  # cosine of step and change of slope from which on the pair says something, the root of the rounding
PROBE = 1e-4  # length of the step that measures the first curvature, in units of a weight
LEAST = 1e-3  # curvature below which a direction counts as flat; that of a loss of standardized genes is about 1
RCOND = 1e-10  # pairs that are as good as one another count once


@dataclass(frozen=True)
class ProximalLbfgs:
    """Minimize the penalty plus a quadratic model of the smooth part (proximal Newton: Lee, Sun and Saunders 2014).

    The model has the curvature of the last pairs of a step and its change of slope (L-BFGS).  Its minimum is found by
    accelerated proximal gradient steps (Beck and Teboulle 2009), which take nothing but products with the curvature and
    proximal maps; whatever the penalty, the way there is a descent, and the loop halves it until the merit falls.

    ``history`` pairs are remembered; after ``every`` steps the fall of the merit is judged; the way to the minimum of
    the model has ``inner`` steps at most, and ends with one shorter than the share ``tol`` of the first.
    """

    history: int
    inner: int
    every: int
    tol: float = 1e-3

    @property
    def needs(self) -> tuple[str, ...]:
        return ("gradient", "shrink")

    def start(self, params: Params) -> Memory:
        pairs = map_leaves(lambda leaf: leaf[:, None][:, [0] * self.history] * 0.0, params)
        nothing = np.zeros(len(leaves(params)[0]))
        return {"S": pairs, "Y": pairs, "params": params, "slope": params, "scale": nothing, "pairs": nothing - 1.0}

    def propose(self, problem: SlopeProblem, now: Iterate) -> tuple[Params, Memory]:
        ridge, params = now.ridge, now.params
        slope = problem.gradient(params, ridge)
        memory = self._remembered(now.memory, params, slope)
        bare = memory["pairs"] == 0.0
        if bare.any():
            memory["scale"] = np.where(bare, _first_curvature(problem, params, ridge, slope=slope), memory["scale"])
        return self._minimum(problem, params, slope, curvature=_Curvature.of(memory)), memory

    def _remembered(self, memory: Memory, params: Params, slope: Params) -> Memory:
        """Add the last step and its change of slope, where they show curvature; ``pairs`` is -1 before there is one."""
        step, change = _less(params, memory["params"]), _less(slope, memory["slope"])
        ss, sy, yy = dot(step, step), dot(step, change), dot(change, change)
        good = (memory["pairs"] >= 0.0) & (sy > CURVED * np.sqrt(ss * yy)) & (yy > LEAST * sy)
        size = np.sqrt(np.where(good, ss, 1.0))  # pairs are kept for steps of length 1

        def added(pairs: Array, new: Array) -> Array:
            return replace_rows(pairs, append(pairs, new / lift(size, new)), good)

        return {
            "S": map_leaves(added, memory["S"], step),
            "Y": map_leaves(added, memory["Y"], change),
            "params": params,
            "slope": slope,
            "scale": np.where(good, yy / np.where(good, sy, 1.0), memory["scale"]),
            "pairs": np.where(good, np.minimum(memory["pairs"] + 1.0, self.history), np.maximum(memory["pairs"], 0.0)),
        }

    def _minimum(self, problem: SlopeProblem, params: Params, slope: Params, *, curvature: _Curvature) -> Params:
        """Minimize slope, curvature and penalty around ``params``; the momentum starts anew where it leads uphill."""
        size = 1.0 / curvature.largest
        amount = map_leaves(lambda leaf: lift(size, leaf), params)
        x, y, t = params, params, np.ones(len(size))
        done, first = np.zeros(len(size), bool), np.zeros(len(size))
        for step in range(self.inner):
            bent = curvature.times(_less(y, params))
            goal = map_leaves(lambda y, g, b, a: y - a * (g + b), y, slope, bent, amount)
            new = replace_rows(problem.shrink(goal, amount), x, done)
            left, move = _less(y, new), _less(new, x)
            x, length = new, np.sqrt(dot(left, left))
            first = length if step == 0 else first
            done = done | (length <= self.tol * first)
            if done.all():
                break
            back, grown = dot(left, move) > 0.0, (1.0 + np.sqrt(1.0 + 4.0 * t * t)) / 2.0
            push, t = np.where(back, 0.0, (t - 1.0) / grown), np.where(back, 1.0, grown)
            y = map_leaves(lambda a, b, push=push: a + lift(push, b) * b, new, move)
        return x


@dataclass(frozen=True)
class _Curvature:
    """``B = s I - P M^-1 P'`` with ``P = (s S, Y)`` (Byrd, Nocedal and Schnabel 1994, equation 2.17).

    ``scale`` is ``s``, ``(m,)``, ``largest`` the largest eigenvalue, ``(m,)``, ``middle`` ``M^-1``, ``(m, 2 history, 2
    history)``. ``S`` and ``Y``, trees of ``(m, history, ...)``, are steps and changes of slope, the oldest first; zero
    where there is none.
    """

    scale: np.ndarray
    S: Params
    Y: Params
    middle: np.ndarray
    largest: np.ndarray

    @classmethod
    def of(cls, memory: Memory) -> _Curvature:
        S, Y, s = memory["S"], memory["Y"], np.maximum(memory["scale"], LEAST)
        SS, SY, YY = _gram(S, S), _gram(S, Y), _gram(Y, Y)
        D = np.einsum("mkk->mk", SY)
        # Rows of pairs that are not there get a 1 on the diagonal, and take no part.
        none, wide = np.eye(D.shape[1]) * (D == 0.0)[:, None], s[:, None, None]
        L = np.tril(SY, -1)
        M = np.block([[wide * SS + none, L], [L.swapaxes(1, 2), -np.eye(D.shape[1]) * D[:, None] - none]])
        middle = np.linalg.pinv(M, rcond=RCOND, hermitian=True)
        PP = np.block([[wide**2 * SS, wide * SY], [wide * SY.swapaxes(1, 2), YY]])
        bent = np.linalg.eigvals(-middle @ PP).real.max(axis=1)
        return cls(s, S, Y, middle, s + np.maximum(bent, 0.0))

    def times(self, v: Params) -> Params:
        s, history = self.scale[:, None], self.middle.shape[1] // 2
        along = np.concatenate([s * _products(self.S, v), _products(self.Y, v)], axis=1)
        u = (self.middle @ along[:, :, None])[:, :, 0]
        first, second = s * u[:, :history], u[:, history:]

        def product(v: Array, S: Array, Y: Array) -> Array:
            back = _combined(S, first) + _combined(Y, second)
            return lift(self.scale, v) * v - back.reshape(v.shape)

        return map_leaves(product, v, self.S, self.Y)


def _first_curvature(problem: SlopeProblem, params: Params, ridge: Array, *, slope: Params) -> np.ndarray:
    """Return the curvature along the slope, ``(m,)``, by a short step with the strengths' weights held."""
    size = np.sqrt(dot(slope, slope))
    share = PROBE / np.where(size > 0.0, size, 1.0)
    change = _less(problem.gradient(map_leaves(lambda p, g: p - lift(share, g) * g, params, slope), ridge), slope)
    return np.maximum(np.sqrt(dot(change, change)) / PROBE, LEAST)


def _less(one: Params, other: Params) -> Params:
    return map_leaves(lambda a, b: a - b, one, other)


def _flat(pairs: Array) -> Array:
    return pairs.reshape(*pairs.shape[:2], -1)


def _gram(one: Params, other: Params) -> np.ndarray:
    """Inner products of the pairs, ``(m, history, history)`` float64."""
    parts = zip(leaves(one), leaves(other), strict=True)
    return np.sum([on_host(_flat(a) @ _flat(b).swapaxes(1, 2)) for a, b in parts], axis=0)


def _products(pairs: Params, v: Params) -> np.ndarray:
    """Inner products of the pairs with ``v``, ``(m, history)`` float64."""
    parts = zip(leaves(pairs), leaves(v), strict=True)
    return np.sum([on_host((_flat(a) @ b.reshape(len(b), -1, 1))[:, :, 0]) for a, b in parts], axis=0)


def _combined(pairs: Array, u: np.ndarray) -> Array:
    """Return the pairs added up with weights ``u``, ``(m, history)``, as ``(m, 1, n)``."""
    flat = _flat(pairs)
    return of_kind(u, flat)[:, None] @ flat
