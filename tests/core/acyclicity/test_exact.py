"""The forms that count every cycle: what they are to one another, and where they end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from acyclicity_cases import cycle, draw, on_candidates

from acyclome.core.acyclicity import LogDet, Polynomial, Series, SpectralRadius, TraceExp
from acyclome.core.data.candidates import Candidates
from acyclome.errors import ConfigError

SEEDS = range(1, 9)


def value(form, A):
    return form.value_and_gradient(*on_candidates(A), 1)[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_coefficients_order_the_values(seed):
    A, _ = draw(10, seed)
    logdet, expm, polynomial = (value(form, A) for form in (LogDet(), TraceExp(), Polynomial()))
    rho = value(SpectralRadius(), A)
    assert logdet >= expm >= polynomial > 0
    assert expm <= 10 * np.expm1(rho)
    assert logdet <= -10 * np.log1p(-rho)


@pytest.mark.parametrize("seed", SEEDS)
def test_series_of_d_terms_rises_to_the_whole(seed):
    A, _ = draw(8, seed)
    wholes = {"exponential": TraceExp(), "logdet": LogDet(), "binomial": Polynomial()}
    for kind, whole in wholes.items():
        values = [value(Series(terms, kind, 0.0), A) for terms in (2, 4, 8)]
        assert values == sorted(values)
        assert values[-1] <= value(whole, A) * (1 + 1e-12)
    assert value(Series(8, "binomial", 0.0), A) == pytest.approx(value(Polynomial(), A), rel=1e-12)
    assert value(Series(200, "logdet", 0.0), A) == pytest.approx(value(LogDet(), A), rel=1e-9)


@pytest.mark.parametrize("d", [2, 16, 17, 100])
def test_expm_counts_a_long_weak_cycle_to_full_precision(d):
    from math import lgamma

    A = cycle(d) * 0.5
    first = d * np.exp(d * np.log(0.5) - lgamma(d + 1))
    assert value(TraceExp(), A) == pytest.approx(first, rel=1e-2 if d > 2 else 0.1)
    assert value(TraceExp(), A) > 0


def test_expm_sees_a_weak_cycle_beside_strong_edges():
    A = np.triu(np.full((12, 12), 3.0), 1)
    A[1, 0] = 1e-18
    assert value(TraceExp(), A) > 0
    assert value(Polynomial(), A) > 0


@pytest.mark.parametrize("s", [0.5, 1.0, 3.0])
def test_logdet_is_infinite_from_the_edge_of_its_domain(s):
    A, _ = draw(9, 1)
    A = A / np.abs(np.linalg.eigvals(A)).max()
    factors = [0.5 * s, 0.999 * s, 1.001 * s, 2.0 * s, 50.0 * s]
    expected = [True, True, False, False, False]
    found = [LogDet(s).value_and_gradient(*on_candidates(A * factor), 1) for factor in factors]
    assert [bool(np.isfinite(h)) for h, _ in found] == expected
    h, gradient = LogDet(s).dense_value_and_gradient(torch.tensor(np.stack([A * factor for factor in factors])))
    assert h.isfinite().tolist() == expected
    assert (gradient[2:] == 0).all()
    assert float(h[0]) == pytest.approx(found[0][0], rel=1e-10)


def test_logdet_of_an_even_number_of_eigenvalues_beyond_the_domain_is_infinite():
    A = np.zeros((4, 4))
    A[0, 1] = A[1, 0] = A[2, 3] = A[3, 2] = 2.0
    assert np.linalg.det(np.eye(4) - A) > 0
    assert value(LogDet(), A) == np.inf


@pytest.mark.parametrize(("form", "name"), [(TraceExp(), "expm"), (LogDet(), "logdet"), (Polynomial(), "polynomial")])
def test_too_many_genes_are_refused_with_the_way_out(form, name):
    candidates = Candidates.from_pairs(np.array([0]), np.array([1]), 2001)
    with pytest.raises(ConfigError, match=rf"fit.acyclicity is '{name}'.*2,001 genes.*'series'"):
        form.value_and_gradient(np.ones(1), candidates, 1)
