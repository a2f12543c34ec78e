"""Every model with as few observations as there may be, of every kind of values: a network, or a reason."""

from __future__ import annotations

import numpy as np
import pytest

import acyclome as ac
from acyclome.errors import InputError
from acyclome.models import AUTO, models

N_GENES = 5
QUICK = {"gran_dag": {"steps": 5}}  # of its networks, nearly all of its time


def values(kind, n):
    rng = np.random.default_rng([77, n])
    X = rng.laplace(size=(n, N_GENES))
    X[:, 1] += 2 * X[:, 0]
    return {
        "normal": X,
        "two values": (X > 0).astype(float),
        "ties": np.round(X),
        "huge": (1e30 * X).astype(np.float32),
        "minute": (1e-30 * X).astype(np.float32),
        "counts": np.minimum(rng.poisson(2, size=(n, N_GENES)), 3).astype(float),
    }[kind]


@pytest.mark.parametrize("n", [10, 13])
@pytest.mark.parametrize("kind", ["normal", "two values", "ties", "huge", "minute", "counts"])
@pytest.mark.parametrize("model", [*models(), AUTO])
def test_ten_observations_are_learned_from_or_refused_in_words(model, kind, n):
    with np.errstate(all="raise"):  # as a user may have set it
        try:
            net = ac.learn(values(kind, n), resamples=2, threads=1, config={"model": model, **QUICK})
        except InputError as error:
            assert model == "glm" and kind != "counts", error  # noqa: PT017, PT018
            return
    assert net.is_dag
    assert np.isfinite(net.edges["weight"]).all()
