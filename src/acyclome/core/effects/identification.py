"""Which gene was acted on: candidates weighed by their own change, and by how well their total effects fit the others.

With ``y`` the changes of all genes, ``e`` their errors and ``T_i`` the total effects of candidate ``i``,

    P(i) ~ exp(a log(1 + y_i^2 / e_i^2) - b log(1 - cos^2(T_i, s(y)))),

the cosine over all genes but ``i``, and ``s`` soft thresholding at two errors, so that many genes that did not change
weigh nothing.  ``a`` and ``b`` are those of a conditional logit over targets that were held out (McFadden 1974), and 0
where they do not foresee other held-out targets better.  Where only the activity of a target is acted on, its own
transcript says nothing, and ``a`` is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from acyclome.core.effects.stacking import FIRM, LEAST

THRESHOLD = 2.0  # errors: of 20 genes that did not change 19 weigh nothing
LOOSE = 5.0  # standard deviation of a and b around 0 beforehand: 3.7 and 4.2 on simulated counts; few targets say less
TINY = 1e-9  # below 1 of a cosine
OWN, EFFECTS = "own change", "effects"
TRANSCRIPT, ACTIVITY = "transcript", "activity"  # what is acted on
USES = {TRANSCRIPT: ((), (OWN,), (EFFECTS,), (OWN, EFFECTS)), ACTIVITY: ((), (EFFECTS,))}
TOP = 5


def own_evidence(change: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return what the own change of every gene says for it, ``(k, d)``."""
    evidence: np.ndarray = np.log1p((change / np.where(error > 0, error, np.inf)) ** 2)
    return evidence


def thresholded(change: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return changes drawn to 0 by two of their errors, those within at 0."""
    drawn: np.ndarray = np.sign(change) * np.maximum(np.abs(change) - THRESHOLD * error, 0.0)
    return drawn


def fit_of_effects(change: np.ndarray, T: np.ndarray, genes: np.ndarray) -> np.ndarray:
    """Return the squared cosine of changes ``(k, d)`` and effects ``(b, d)``, over all but each gene, ``(k, b)``."""
    itself = T[np.arange(len(genes)), genes]
    along = change @ T.T - change[:, genes] * itself
    length = np.maximum((T**2).sum(axis=1) - itself**2, 0.0)
    whole = np.maximum((change**2).sum(axis=1, keepdims=True) - change[:, genes] ** 2, 0.0)
    product = length * whole
    fit: np.ndarray = np.divide(along**2, product, out=np.zeros_like(along), where=product > TINY**2)
    return np.minimum(fit, 1.0 - TINY)


def log_probability(features: dict[str, np.ndarray], weight: dict[str, float]) -> np.ndarray:
    """Return the log probability of every candidate, ``(k, d)``, given features of that shape and their weights."""
    total = sum((weight.get(name, 0.0) * values for name, values in features.items()), np.zeros(1))
    total = total - total.max(axis=1, keepdims=True)
    said: np.ndarray = total - np.log(np.exp(total).sum(axis=1, keepdims=True))
    return said


def learn_weights(
    features: dict[str, np.ndarray], true: np.ndarray, part: np.ndarray, *, acts_on: str
) -> dict[str, Any]:
    """Find the weights of features ``(k, d)`` by which held-out targets, ``true`` ``(k,)``, are found again.

    ``part``, ``(k,)``, numbers the targets that were held out together; those of one are foreseen by the others.

    Returns ``weight``, how many ``targets``, and how often the target is first and among the first five, and its mean
    reciprocal rank, of what was ``chosen``, of the ``largest change``, and of ``chance``.
    """
    k, d = next(iter(features.values())).shape
    each = np.arange(k)
    largest = features[OWN]
    found: dict[str, Any] = {"targets": k, "weight": {}, "largest change": ranks(largest, true)}
    found["chance"] = ranks(np.zeros((k, d)), true)
    best, held = np.full(k, -np.log(d)), np.full((k, d), -np.log(d))
    for names in USES[acts_on]:
        if len(np.unique(part)) < LEAST or not names:
            continue
        said = np.zeros((k, d))
        some = {name: features[name] for name in names}
        for one in np.unique(part):
            out = part == one
            weight = _weights({name: values[~out] for name, values in some.items()}, true[~out])
            said[out] = log_probability({name: values[out] for name, values in some.items()}, weight)
        gain = said[each, true] - best
        if gain.mean() > FIRM * gain.std(ddof=1) / np.sqrt(k):
            best, held = said[each, true], said
            found["weight"] = _weights(some, true)
    found["chosen"] = ranks(held, true)
    surest = held.argmax(axis=1)
    found["chosen"] |= {"probability": float(np.exp(held.max(axis=1)).mean()), "right": float(np.mean(surest == true))}
    return found


def ranks(score: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Return how often the true candidate is first and among five, and its mean reciprocal rank; ties share a rank."""
    own = score[np.arange(len(true)), true][:, None]
    rank = 1.0 + (score > own).sum(axis=1) + ((score == own).sum(axis=1) - 1) / 2
    means = {"first": rank < 1.5, "first_five": rank <= TOP, "reciprocal_rank": 1.0 / rank}
    return {name: float(np.mean(values)) for name, values in means.items()}


def _weights(features: dict[str, np.ndarray], true: np.ndarray) -> dict[str, float]:
    from scipy.optimize import minimize  # here: a tenth of the start of a stage

    names, X = list(features), np.stack(list(features.values()), axis=-1)  # (k, d, f)
    each = np.arange(len(true))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        said = log_probability(features, dict(zip(names, w.tolist(), strict=True)))
        expected = np.einsum("kd,kdf->kf", np.exp(said), X)
        slope = (expected - X[each, true]).sum(axis=0) + w / LOOSE**2
        return float(-said[each, true].sum() + 0.5 * (w / LOOSE) @ (w / LOOSE)), slope

    start = np.ones(len(names))
    w = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(names)).x
    return dict(zip(names, w.tolist(), strict=True))
