"""Saturating kinetics: targets follow Hill functions of the activity of their regulators, at steady state.

    x_j = P_j (1 + noise),   P_j = (1/lambda) sum_i K_ij h(a_i)  for activators,  K_ij (1 - h(a_i))  for repressors
    h(a) = a^c / (H^c + a^c),   log a_i = log x_i + activity noise

with production ``K``, decay ``lambda = 1`` and half response ``H``.  These are production and decay of SERGIO
(Dibaeinia and Sinha 2020), where expression follows a chemical Langevin equation
``dx = (P - lambda x) dt + q sqrt(P) dW + q sqrt(lambda x) dV``.  What is simpler here:

- No path in time: each cell is one draw about its own steady state ``P / lambda``, and a target sees the regulator's
  level of the same cell.  In a path, a target lags, and averages fast noise out.
- Noise is that of the linearised equation: about a fixed steady state ``x`` has variance ``q^2 P / lambda``, which is
  ``noise="additive"``; ``q`` follows from the share of variance that parents are to explain.  "multiplicative" is
  log-normal instead, of the same size at every level.  Both draw from the law of noise that `simulate` is given.
- One cell type: genes without regulators are log-normal, where SERGIO has a production rate for each type.
- ``H`` is the median activity of the regulator in the sample, not its mean over cell types as SERGIO estimates it.
- Activity noise is ours: what a regulator does is not what its transcript shows (translation, localisation,
  modification).  Targets of one regulator then stay dependent given its expression: siblings look joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from acyclome.evaluate.mechanisms import TINY, Expression, Structure
from acyclome.evaluate.ranges import check_name, check_number, check_positive

# Standard deviation of log expression of a gene without parents at noise scale 1, by eye: e^.5 is 1.6-fold, so that
# regulators cross their half response but seldom leave the rising part of the curve.
ROOT_SPREAD = 0.5
FLOOR = 0.01  # of steady expression, below which additive noise cannot bring a gene: logarithms need what is positive


def _additive(production: np.ndarray, z: np.ndarray, share: float) -> tuple[np.ndarray, float]:
    q = np.sqrt(production.var() / production.mean() * (1.0 - share) / share)
    return np.maximum(production + q * np.sqrt(production) * z, FLOOR * production), float(q)


def _multiplicative(production: np.ndarray, z: np.ndarray, share: float) -> tuple[np.ndarray, float]:
    sd = np.log(production).std() * np.sqrt((1.0 - share) / share)
    return production * np.exp(sd * z), float(sd)


# From steady expression (n,), standard noise (n,) and the share that parents explain to expression and size of noise.
KINETIC_NOISES: dict[str, Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, float]]] = {
    "multiplicative": _multiplicative,
    "additive": _additive,
}


@dataclass(frozen=True)
class Hill:
    """Targets saturate in the activity of their regulators; expression is given as its natural logarithm.

    The size of a weight is the production ``K``, its sign tells activators (+) from repressors (-).

    Parameters
    ----------
    activity_noise
        Standard deviation of log activity about log expression, as a share of that of log expression; at least 0.
    cooperativity
        Hill coefficient c, above 0; SERGIO has 2.
    noise
        A name of `KINETIC_NOISES`.

    Raises
    ------
    ValueError
        If the noise is unknown or a number lies outside its range.

    Examples
    --------
    >>> from acyclome.evaluate.simulate import simulate
    >>> simulate(200, 500, graph="hub", mechanism=Hill(activity_noise=0.5)).X.shape
    (500, 200)
    """

    activity_noise: float = 0.0
    cooperativity: float = 2.0
    noise: str = "multiplicative"
    is_linear = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        check_number("activity_noise", self.activity_noise, 0.0)
        check_positive("cooperativity", self.cooperativity)
        check_name("the noise of kinetics", self.noise, KINETIC_NOISES)

    def draw(self, structure: Structure, rng: Mapping[str, np.random.Generator]) -> Expression:
        """Draw log expression along the order; the scale given back is that of the noise as its kind takes it."""
        Y = structure.innovations(rng["noise"])
        lag = rng["activity"].standard_normal(Y.shape)
        response, scale = np.empty_like(Y), ROOT_SPREAD * structure.scale
        share = structure.parent_share
        for j, rows in structure.families():
            if rows.start == rows.stop:
                Y[j] *= scale[j]
            else:
                production = produced(response[structure.pairs[rows, 0]], structure.weight[rows])
                level, scale[j] = KINETIC_NOISES[self.noise](production, Y[j], share[j])
                Y[j] = np.log(level)
            activity = np.exp(Y[j] + self.activity_noise * Y[j].std() * lag[j])
            response[j] = hill(activity, float(np.median(activity)), self.cooperativity)
        return Expression(Y, structure.weight, scale)


def hill(activity: np.ndarray, half: float, cooperativity: float) -> np.ndarray:
    """Return the response to an activity, from 0 to 1: one half at `half`, and flat far above it."""
    return 1.0 / (1.0 + (half / activity) ** cooperativity)


def produced(response: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return production ``(n,)`` from responses ``(p, n)`` of the regulators and signed rates ``(p,)``."""
    active = np.where(weight[:, None] >= 0.0, response, 1.0 - response)
    return np.maximum(np.abs(weight) @ active, TINY)
