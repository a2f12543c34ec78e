"""Direct effects by instruments: weights behind total effects, hidden causes, and how far odds are to be believed."""

import numpy as np
import pytest

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import Interventions
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.effects.direct import _Law, _learn, direct_effects
from acyclome.core.effects.doses import Instruments, Treatments

D, PAIRS, QUIET, EACH = 90, 30, 600, 60


@pytest.fixture(scope="module")
def screen():
    """Genes 0 to 29 act on 30 to 59, and those on 60 to 89; a hidden cause joins 15 to 29 to 75 to 89, and no edge."""
    rng = np.random.default_rng(0xD1)
    A = np.zeros((D, D))
    i = np.arange(PAIRS)
    A[i, i + PAIRS] = A[i + PAIRS, i + 2 * PAIRS] = rng.choice([-1.0, 1.0], PAIRS) * rng.uniform(0.6, 1.0, PAIRS)
    kind = np.concatenate([np.full(QUIET, -1), np.repeat(i, EACH)])
    X = rng.normal(size=(len(kind), D))
    hidden = 1.5 * rng.normal(size=(len(kind), PAIRS // 2))
    X[:, 15:30] += hidden
    X[:, 75:] += hidden
    for gene in i:
        X[kind == gene, gene] = -4.0
    X[:, 30:60] += X[:, :30] * A[i, i + PAIRS]
    X[:, 60:] += X[:, 30:60] * A[i + PAIRS, i + 2 * PAIRS]
    at = np.flatnonzero(kind >= 0)
    targets = Interventions.from_pairs(kind[at], at, n_genes=D, n_obs=len(kind))
    found = correlate(scale_genes(lambda a, b: X.T[a:b], D, interventions=targets), 1)
    return (
        Problem(found, Constraints.none(D), ThreadBackend(1)),
        Treatments(kind, i),
        A * found.scale[:, None] / found.scale,
    )


def asked(screen):
    """The true edges, and those of the hidden causes, with weights as large."""
    _, _, A = screen
    source, target = np.nonzero(A)
    wrong = np.arange(15, 30)
    weight = np.concatenate([A[source, target], np.full(15, 0.4)])
    source, target = np.append(source, wrong), np.append(target, wrong + 60)
    return {"source": source, "target": target, "weight": weight, "order": np.arange(D)}


def test_what_runs_through_other_genes_is_no_direct_effect(screen):
    problem, treatments, A = screen
    edges = asked(screen)
    found = direct_effects(problem, Instruments.of(problem, treatments), **edges, logit=np.zeros(len(edges["source"])))
    acted = edges["source"] < PAIRS
    np.testing.assert_array_equal(np.isfinite(found.effect), acted)
    missed = (found.effect - A[edges["source"], edges["target"]])[acted] / found.error[acted]
    assert np.abs(missed).max() < 4  # of 45
    assert 0.4 < np.sqrt(np.mean(missed**2)) < 1.2  # below 1: a gene that is held adds nothing to its child's variance
    assert found.scale == pytest.approx(1.0, abs=0.1)


def test_edges_of_hidden_causes_are_told_from_those_of_experiments(screen):
    problem, treatments, _ = screen
    edges = asked(screen)
    instruments = Instruments.of(problem, treatments)
    found = direct_effects(problem, instruments, **edges, logit=np.full(len(edges["source"]), 2.0))
    right, wrong = found.logit[:30], found.logit[60:]  # both out of genes that were acted on, and as likely before
    assert (right > 2.0).all()
    assert (wrong < 0.0).all()
    assert (found.evidence[60:] < -3.0).all()


def test_without_experiments_the_odds_stay(screen):
    problem, _, _ = screen
    edges = asked(screen)
    logit = np.linspace(-3, 3, len(edges["source"]))
    found = direct_effects(problem, Instruments.of(problem, Treatments.none(problem.data.n_obs)), **edges, logit=logit)
    np.testing.assert_array_equal(found.logit, logit)
    assert np.isnan(found.effect).all()


def test_the_law_is_found_that_edges_were_drawn_from():
    rng = np.random.default_rng(0xD2)
    m, law = 4000, _Law(c=2.0, kappa2=0.25, nu2=0.01, a=-3.0, b=2.0)
    logit, w, e2 = rng.normal(1.5, 1.0, m), rng.normal(0.0, 0.3, m), np.full(m, 0.02)
    right = rng.random(m) < 1 / (1 + np.exp(-law.a - law.b * logit))
    mean = np.where(right, law.c * w, 0.0)
    x = mean + rng.normal(size=m) * np.sqrt(np.where(right, law.kappa2 * w**2, law.nu2) + e2)
    found = _learn(x, e2, w, logit=logit, law=_Law())
    np.testing.assert_allclose(found, law, rtol=0.35, atol=0.03)
    assert abs(found.c - law.c) < 0.1
