"""Direct effects by instruments: what acting on a gene does to a child beyond what runs through other genes.

With ``m_ij`` the total effect of a target as measured (:mod:`.doses`), ``w`` the weights of a network and ``t`` its
total effects, all weights times one factor ``c``,

    x_ij = m_ij - (t_ij - c w_ij),

is the effect along the edge alone, as ``I - D T^{-1}`` has it of a full matrix of total effects (Hyttinen, Eberhardt
and Hoyer 2012); of the network only its edges are not zero.  Nobody chose whom to act on by what the genes did, so a
hidden cause of both ends leaves ``x_ij`` alone, and not ``w_ij``.  Right edges and wrong ones are told apart by

    x_ij ~ N(c w_ij, (kappa w_ij)^2 + e_ij^2)    or    N(0, nu^2 + e_ij^2),    odds of the first  exp(a + b logit p_ij),

with ``p_ij`` how probable edges were taken to be.  All edges together tell ``c`` (noise of measurement thins weights),
``kappa``, ``nu``, ``a`` and ``b`` by expectation and maximization (empirical Bayes), so that experiments also say how
far the ``p_ij`` of edges are to be believed out of genes that nobody acted on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.index_maps import locate
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import Doses, Instruments, Yardstick
from acyclome.core.effects.total import responses
from acyclome.core.workers import run_blocks

BLOCK = 32  # targets at once: 5 MB of total effects at 20,000 genes
EDGES = 1024  # at once, some milliseconds of a thread
# Of c, since other paths are those of weights times c, and of expectation and maximization in each: by eye, as its end
# is not tested. Ten times as many moved no probability by .01.
SCALINGS, ROUNDS = 4, 200
# Standard deviation of a, b and c around 0, 1 and 1 before any experiment: wide beside what hundreds of edges tell (-9,
# 2.7 and 2.3 on simulated counts), and narrow beside what ten do.
LOOSE = 1.0
LARGEST = 1.0  # step of a and b in a round: Newton's may leap where all edges are sure
SURE = 12.0  # log odds; surer ones, of knowledge or of an overwhelming fit, are not to decide about a and b alone
TINY = 1e-12  # of a variance of 1
LEAST = 1e-6  # of kappa^2 and nu^2


class DirectEffects(NamedTuple):
    """What experiments say of edges, ``(m,)`` each; nan, and odds by ``a`` and ``b`` alone, where nobody acted.

    Parameters
    ----------
    effect, error
        Direct effect of the source on the target, in standard deviations of the one per standard deviation of the
        other, and its standard deviation.
    evidence
        Log-likelihood by which it speaks for the edge; below 0 it speaks against it.
    logit
        Log odds that the edge is right, with all that experiments say.
    scale
        ``c``, by which weights are too small for the effects of experiments.
    """

    effect: np.ndarray
    error: np.ndarray
    evidence: np.ndarray
    logit: np.ndarray
    scale: float


class _Law(NamedTuple):
    """The unknowns of the mixture; see the head of this file."""

    c: float = 1.0
    kappa2: float = 1.0
    nu2: float = 1e-2
    a: float = 0.0
    b: float = 1.0


def direct_effects(
    problem: Problem,
    instruments: Instruments,
    *,
    source: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    order: np.ndarray,
    logit: np.ndarray,
) -> DirectEffects:
    """Say of every edge of a network, ``(m,)`` each, what acting on its source says of it; ``logit`` are log odds."""
    by, doses = instruments.by, instruments.doses
    place = locate(source, doses.gene)
    at = np.flatnonzero(place >= 0)
    effect, error, evidence = np.full((3, len(source)), np.nan)
    logit = np.clip(logit, -SURE, SURE)
    if not len(at):
        return DirectEffects(effect, error, evidence, logit, 1.0)
    total, e2 = _measured(problem, doses, by, place=place[at], target=target[at])
    w, law = weight[at], _Law()
    for _ in range(SCALINGS):
        edges = {"source": source, "target": target, "weight": law.c * weight, "order": order}
        t = _said(problem, doses.gene, **edges, at=(place[at], target[at]))
        x = total - (t - law.c * w)
        law = _learn(x, e2, w, logit=logit[at], law=law)
    right, wrong = _likelihoods(x, e2, w, law=law)
    effect[at], error[at], evidence[at] = x, np.sqrt(e2), right - wrong
    return DirectEffects(effect, error, evidence, law.a + law.b * logit + np.nan_to_num(evidence), law.c)


def _measured(
    problem: Problem, doses: Doses, by: Yardstick, *, place: np.ndarray, target: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the total effect along every edge as measured, and its variance, ``(m,)``."""
    Z, total = problem.data.Z, np.empty(len(place))

    by_target = np.argsort(target, kind="stable")  # as genes lie, which may be on the disk

    def block(a: int, b: int) -> None:
        for e in by_target[a:b].tolist():
            j, k = target[e], place[e]
            total[e] = doses.weight[k] @ (Z[j, doses.rows[k]] - by.centre[j]) / by.scale[j]

    run_blocks(block, gene_blocks(len(place), EDGES), problem.threads)
    return total, doses.error2[place] * by.noise[target] + TINY


def _said(
    problem: Problem,
    genes: np.ndarray,
    *,
    source: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    order: np.ndarray,
    at: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return total effects of a network at pairs of a position among ``genes`` and a gene, ``(m,)``."""
    place, asked = at
    found = np.empty(len(place))

    def block(a: int, b: int) -> None:
        here = np.flatnonzero((place >= a) & (place < b))
        T = responses(source, target, weight, order=order, genes=genes[a:b])
        found[here] = T[place[here] - a, asked[here]]

    run_blocks(block, gene_blocks(len(genes), BLOCK), problem.threads)
    return found


def _likelihoods(x: np.ndarray, e2: np.ndarray, w: np.ndarray, *, law: _Law) -> tuple[np.ndarray, np.ndarray]:
    wide, narrow = law.kappa2 * w**2 + e2, law.nu2 + e2
    right = -0.5 * (np.log(wide) + (x - law.c * w) ** 2 / wide)
    wrong = -0.5 * (np.log(narrow) + x**2 / narrow)
    return right, wrong


def _learn(x: np.ndarray, e2: np.ndarray, w: np.ndarray, *, logit: np.ndarray, law: _Law) -> _Law:
    """Find the law by expectation and maximization, of ``c`` and the odds with what is expected of them beforehand."""
    loose = 1.0 / LOOSE**2
    u, w2 = np.stack([np.ones(len(x)), logit]), w**2 + TINY
    c, kappa2, nu2, a, b = law
    for _ in range(ROUNDS):
        right, wrong = _likelihoods(x, e2, w, law=_Law(c, kappa2, nu2, a, b))
        r, p = _logistic(a + b * logit + right - wrong), _logistic(a + b * logit)
        share = r / (kappa2 * w2 + e2)
        c = (loose + float(share @ (w * x))) / (loose + float(share @ w2))
        mean, variance = _shrunken(x - c * w, e2, kappa2 * w2)
        kappa2 = max(float(r @ ((mean**2 + variance) / w2)) / max(float(r.sum()), TINY), LEAST)
        mean, variance = _shrunken(x, e2, nu2)
        nu2 = max(float((1 - r) @ (mean**2 + variance)) / max(float((1 - r).sum()), TINY), LEAST)
        slope = u @ (r - p) - loose * np.array([a, b - 1.0])
        step = np.linalg.solve((u * (p * (1 - p))) @ u.T + loose * np.eye(2), slope)
        a, b = np.array([a, b]) + step / max(1.0, float(np.abs(step).max()) / LARGEST)
        b = max(b, 0.0)  # what was taken to be likelier is not made less so
    return _Law(c, kappa2, nu2, float(a), float(b))


def _shrunken(x: np.ndarray, e2: np.ndarray, prior: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of what ``N(0, prior)`` is where ``x`` is it with an error of variance ``e2``."""
    share = prior / (prior + e2)
    return share * x, share * e2


def _logistic(x: np.ndarray) -> np.ndarray:
    half: np.ndarray = 0.5 * (1.0 + np.tanh(0.5 * x))
    return half
