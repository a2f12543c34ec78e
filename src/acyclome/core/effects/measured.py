"""Total effects as interventions measured them, weighed against the network and against nothing at all.

Most effects are nothing and some are what the network says, so the slope ``m_ij`` of a gene on a target (see
:mod:`doses`) is drawn from a mixture,

    p_0 N(0, e^2) + p_1 N(t_ij, e^2) + p_2 N(0, e^2 + tau^2),

with ``t_ij`` the total effect by the network and weights that all pairs tell together (empirical Bayes, as in Stephens
2017), those with ``t_ij`` and those without each for themselves.

What treatments do beyond the network and have in common, whatever their target, is their mean, shrunken by how far
they agree: ``c_j nu^2 / (nu^2 + s_j^2 / K)`` over ``K`` treatments with variance ``s_j^2`` between them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from acyclome.core.data.candidates import gene_blocks
from acyclome.core.data.problem import Problem
from acyclome.core.effects.doses import SEVERAL, Doses, Instruments, Treatments, Yardstick
from acyclome.core.effects.profiles import profiles_of
from acyclome.core.effects.total import ANY
from acyclome.core.kernel import kernel
from acyclome.core.workers import run_blocks

SAID = 1e-3  # total effect, in standard deviations, from which the network says something
PAIRS = 1 << 20  # from which the mixture is learned: a handful of numbers, for which a sample is as good as all
ROUNDS = 200  # of expectation and maximization, by eye: its end is not tested
NOTHING = 0.95  # probability of no effect from which a pair is left out
LEAST_KINDS = 3  # treatments that have to agree on what they have in common: two have hardly a variance
GENES = 64  # of which all observations are read at once: 64 MB of 250,000 in float32
TARGETS = 16  # looked at together: 1.3 MB a number of each pair at 10,000 genes
TINY = 1e-12  # of a variance of 1, above 0 for logarithms and quotients

Said = Callable[[np.ndarray], np.ndarray]


class MeasuredEffects(NamedTuple):
    """Total effects of the targets that were measured, ``(m,)`` each; pairs that are not there are nothing.

    Parameters
    ----------
    source, target
        The target of the intervention, and the gene that answers; the target itself answers with 1. ``ANY`` as the
        source: what every loss of a gene does, beyond the network.
    effect, error
        Mean and standard deviation, in standard deviations of the one per standard deviation of the other, or, of
        ``ANY``, for each treatment.
    """

    source: np.ndarray
    target: np.ndarray
    effect: np.ndarray
    error: np.ndarray


class _Mixture(NamedTuple):
    """Weights ``(2, 3)`` of nothing, the network and something else, where the network says nothing and something."""

    weight: np.ndarray
    tau2: float


def measured_effects(problem: Problem, instruments: Instruments, said: Said) -> MeasuredEffects:
    """Return the total effects of all targets that were measured, and what treatments have in common.

    ``said`` gives the total effects of some genes by the network, ``(k,) -> (k, d)``.
    """
    treatments, by, doses = instruments
    parts = [*_weighed(problem, doses, by, said=said), _in_common(problem, treatments, by, said=said)]
    return MeasuredEffects(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _weighed(problem: Problem, doses: Doses, by: Yardstick, *, said: Said) -> list[tuple[np.ndarray, ...]]:
    rows, threads = problem.data.standardized, problem.threads
    d, blocks = problem.n_genes, gene_blocks(len(doses.gene), TARGETS)
    step = len(doses.gene) * d // PAIRS + 1
    if not blocks:
        return []
    m = run_blocks(lambda a, b: doses.slopes(rows.block(a, b), slice(a, b), by), gene_blocks(d, GENES), threads)
    slope = np.concatenate(m, axis=1)

    def slopes(a: int, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        t = said(doses.gene[a:b])
        return slope[a:b], doses.error2[a:b, None] * by.noise + TINY, np.where(np.abs(t) < SAID, 0.0, t)

    def sample(a: int, b: int) -> np.ndarray:
        others = np.arange(d) != doses.gene[a:b, None]
        return np.stack([values[others] for values in slopes(a, b)])[:, ::step]

    mixture = _learn_mixture(*np.concatenate(run_blocks(sample, blocks, threads), axis=1))

    def weigh(a: int, b: int) -> tuple[np.ndarray, ...]:
        nothing, effect, error = _posterior(*slopes(a, b), mixture=mixture)
        itself = np.arange(d) == doses.gene[a:b, None]
        effect[itself], error[itself] = 1.0, 0.0
        row, gene = np.nonzero(itself | (nothing < NOTHING))
        return doses.gene[a + row], gene, effect[row, gene], error[row, gene]

    return run_blocks(weigh, blocks, threads)


def _learn_mixture(m: np.ndarray, e2: np.ndarray, t: np.ndarray) -> _Mixture:
    """Find the weights and ``tau`` by expectation and maximization, starting from few and large effects."""
    mixture = _Mixture(np.array([[0.9, 0.0, 0.1], [0.3, 0.4, 0.3]]), max(float(np.mean(m**2)), TINY))
    log_e2 = np.log(e2)
    for _ in range(ROUNDS):
        count = np.zeros((2, 3))
        square = _expect(m, e2, log_e2, t, mixture.weight, mixture.tau2, count)
        tau2, count = square / max(float(count[:, 2].sum()), TINY), count + mixture.weight
        mixture = _Mixture(count / count.sum(axis=1, keepdims=True), max(tau2, TINY))
    return mixture


@kernel
def _expect(m, e2, log_e2, t, weight, tau2, count):
    """Add the probabilities of :func:`_components` to ``count``, ``(2, 3)``; return the expected square of the last."""
    total = 0.0
    for i in range(len(m)):
        wide, spoken = e2[i] + tau2, 1 if t[i] != 0.0 else 0
        a = -(m[i] ** 2) / e2[i] - log_e2[i]
        b = -((m[i] - t[i]) ** 2) / e2[i] - log_e2[i]
        c = -(m[i] ** 2) / wide - np.log(wide)
        most = max(a, b, c)
        p = weight[spoken, 0] * np.exp((a - most) / 2)
        q = weight[spoken, 1] * np.exp((b - most) / 2)
        r = weight[spoken, 2] * np.exp((c - most) / 2)
        every = p + q + r
        count[spoken, 0] += p / every
        count[spoken, 1] += q / every
        count[spoken, 2] += r / every
        share = tau2 / wide
        total += r / every * ((share * m[i]) ** 2 + share * e2[i])
    return total


def _components(
    m: np.ndarray, e2: np.ndarray, t: np.ndarray, *, mixture: _Mixture
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the probability of every component, ``(..., 3)``, and mean and variance of an effect of the last kind."""
    wide = e2 + mixture.tau2
    logs = np.stack([-(m**2) / e2 - np.log(e2), -((m - t) ** 2) / e2 - np.log(e2), -(m**2) / wide - np.log(wide)], -1)
    with np.errstate(under="ignore"):  # what is as good as impossible is 0
        likelihood = np.exp((logs - logs.max(axis=-1, keepdims=True)) / 2)
    probability = mixture.weight[(t != 0).astype(int)] * likelihood
    probability /= probability.sum(axis=-1, keepdims=True)
    share = mixture.tau2 / wide
    return probability, share * m, share * e2


def _posterior(
    m: np.ndarray, e2: np.ndarray, t: np.ndarray, *, mixture: _Mixture
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the probability that an effect is nothing, its mean and its standard deviation.

    What the network says was learned too, and counts as no more certain than what was measured.
    """
    probability, effect, variance = _components(m, e2, t, mixture=mixture)
    mean = probability[..., 1] * t + probability[..., 2] * effect
    square = probability[..., 1] * (t**2 + e2) + probability[..., 2] * (effect**2 + variance)
    return probability[..., 0], mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _in_common(problem: Problem, treatments: Treatments, by: Yardstick, *, said: Said) -> tuple[np.ndarray, ...]:
    """Return what treatments do in common beyond the network; nothing unless measured targets fell on the whole."""
    kinds, threads, d = np.flatnonzero(treatments.gene != SEVERAL), problem.threads, problem.n_genes
    change = profiles_of(problem, treatments, by).change

    def beyond(a: int, b: int) -> tuple[np.ndarray, float]:
        genes = treatments.gene[kinds[a:b]]
        shift = change[kinds[a:b]]
        here = np.flatnonzero(genes >= 0)
        dose = shift[here, genes[here]]
        shift[here] -= dose[:, None] * said(genes[here])
        counts = np.arange(d) != genes[:, None]
        return np.stack([counts, counts * shift, counts * shift**2]).sum(axis=1), float(dose.sum())

    sums = run_blocks(beyond, gene_blocks(len(kinds), TARGETS), threads)
    if len(kinds) < LEAST_KINDS or sum(fell for _, fell in sums) >= 0:
        return tuple(np.empty(0, kind) for kind in (np.int64, np.int64, float, float))
    count, total, square = np.sum([part for part, _ in sums], axis=0)
    c = total / count
    s2 = np.maximum(square / count - c**2, 0.0) / (count - 1) + TINY
    nu2 = max(float(np.mean(c**2 - s2)), TINY)
    for _ in range(ROUNDS):
        share = nu2 / (nu2 + s2)
        nu2 = max(float(np.mean(share**2 * c**2 + share * s2)), TINY)
    share = nu2 / (nu2 + s2)
    return np.full(d, ANY), np.arange(d), share * c, np.sqrt(share * s2)
