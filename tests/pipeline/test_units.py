"""What is promised of units: a gene times a power of two changes no bit of the network, times anything else no edge."""

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.evaluate.simulate import simulate

D, N = 12, 400
QUICK = {"resample": {"resamples": 3}}
OF_UNITS = ["noise_scale"]  # in the units of the gene


def learned(X, model):
    return ac.learn(X, [f"G{j}" for j in range(D)], threads=1, config={**QUICK, "model": model})


@pytest.fixture(scope="module")
def data():
    return np.asarray(simulate(D, N, noise="exp", seed=5, standardised=True).X, np.float64) + 3.0


@pytest.mark.parametrize("model", ["linear", "lingam", "spline"])
def test_powers_of_two_change_no_bit(model, data):
    power = np.random.default_rng(1).integers(-12, 13, D)
    one, other = learned(data, model), learned(data * 2.0**power, model)
    pd.testing.assert_frame_equal(one.edges, other.edges, check_exact=True)
    pd.testing.assert_frame_equal(one.ranking, other.ranking, check_exact=True)
    plain = [column for column in one.nodes if column not in OF_UNITS]
    pd.testing.assert_frame_equal(one.nodes[plain], other.nodes[plain], check_exact=True)
    np.testing.assert_array_equal(one.nodes["noise_scale"] * 2.0**power, other.nodes["noise_scale"])


@pytest.mark.parametrize("model", ["linear", "lingam"])
def test_other_factors_and_shifts_change_no_edge_and_weights_by_rounding(model, data):
    rng = np.random.default_rng(2)
    factor, shift = np.exp(rng.normal(0.0, 3.0, D)), rng.normal(0.0, 2.0, D)
    one, other = learned(data, model), learned((data + shift) * factor, model)
    pairs = ["source", "target"]
    one, other = (net.edges.sort_values(pairs, ignore_index=True) for net in (one, other))
    pd.testing.assert_frame_equal(one[pairs], other[pairs])
    np.testing.assert_allclose(one["weight"], other["weight"], rtol=1e-4)
