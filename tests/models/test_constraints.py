"""Every model keeps to what is known of edges beforehand, with interventions too."""

import numpy as np
import pytest
from family_cases import CASES, LINEAR
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.config import Config
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.core.graph.equivalence import is_dag
from acyclome.models.card import Ability
from acyclome.pipeline.engine_settings import engine_settings

D, N = 5, 48
SMALL = {
    "mlp": {"splines": 2, "units": 4},
    "gran_dag": {"splines": 2, "units": 4},
    "polynomial": {"degree": 2},
    "sobolev": {"cosines": 3},
    "spline": {"bsplines": 4},
}
models = [case for case in [*CASES, *LINEAR] if "," not in case.name]
variants = [case for case in CASES if "," in case.name]


def small(case) -> Config:
    name = case.card.name
    section = {} if case.card.section is None else {case.card.section[0]: {**case.options, **SMALL.get(name, {})}}
    return Config.from_mapping({"model": name, "fit": {"relax": False}, **section})


def drawn(rng, *, counts):
    """Draw data, of which some genes depend on others, in both ways."""
    X = rng.standard_normal((N, D))
    for j in range(1, D):
        X[:, j] += rng.normal(0, 1.5) * X[:, rng.integers(0, j)] + rng.normal(0, 0.5) * X[:, rng.integers(0, j)] ** 2
    return rng.poisson(np.exp(np.clip(0.7 * X, -3, 3))).astype(float) if counts else X


def known_edges(rng):
    """Draw constraints that do not contradict one another: required edges follow an order in which tiers rise."""
    order, tier = rng.permutation(D), np.zeros(D, np.int64)
    if rng.random() < 0.3:
        tier[order[D // 2 :]] = 1
    sources = rng.random(D) < 0.8
    pairs = [(i, j) for i in range(D) for j in range(D) if i != j]
    forward = {(int(order[a]), int(order[b])) for a in range(D) for b in range(a + 1, D) if sources[order[a]]}
    kinds = {name: set() for name in ("required", "forbidden", "signed", "soft")}
    for pair in pairs:
        kind = rng.choice([*kinds, ""], p=[0.1, 0.15, 0.25, 0.15, 0.35])
        if kind and (kind != "required" or pair in forward):
            kinds[kind].add(pair)
    kinds["signed"] |= {pair for pair in sorted(kinds["required"]) if rng.random() < 0.5}
    keys = {name: np.sort(np.array([j * D + i for i, j in found], np.int64)) for name, found in kinds.items()}
    return Constraints(
        sources,
        tier,
        int(sources.sum()),
        **keys,
        sign=rng.choice(np.array([-1, 1], np.int8), len(keys["signed"])),
        cost=rng.uniform(0.1, 3.0, len(keys["soft"])),
    )


def acted_on(rng):
    """Draw interventions on some genes, on one of them in nearly all observations."""
    m = int(rng.integers(0, 40))
    gene, row = rng.integers(0, D, m), rng.integers(0, N, m)
    if rng.random() < 0.3:
        often = rng.permutation(N)[: N - int(rng.integers(LEAST_OWN - 4, LEAST_OWN + 4))]
        gene, row = np.append(gene, np.full(len(often), rng.integers(0, D))), np.append(row, often)
    return Interventions.from_pairs(gene, row, n_genes=D, n_obs=N)


@pytest.mark.parametrize("case", models, ids=str)
@settings(max_examples=200)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_required_or_forbidden_holds(case, lab, seed):
    check(case, lab, seed)


@pytest.mark.parametrize("case", variants, ids=str)
@settings(max_examples=20)  # their search is that of the others
@given(seed=st.integers(0, 2**32 - 1))
def test_it_holds_for_functions_of_sums(case, lab, seed):
    check(case, lab, seed)


def check(case, lab, seed):
    """Learn from random data under random constraints, and look for what may not be."""
    rng = np.random.default_rng([97, seed])
    known = known_edges(rng)
    done = acted_on(rng) if Ability.INTERVENTIONS in case.card.abilities else None
    X = drawn(rng, counts=case.card.name == "glm")
    dag = lab.learn_dag(lab.problem_of(X, known, interventions=done), engine_settings(small(case)), 3)[0]
    keys = dag.target.astype(int) * D + dag.source
    assert np.isin(known.required, keys).all()
    assert not np.isin(keys, known.forbidden).any()
    assert is_dag(dag.source, dag.target, D)
    assert known.sources[dag.source].all()
    assert (known.tier[dag.source] <= known.tier[dag.target]).all()
    assert np.isfinite(dag.weight).all()
    assert np.isfinite(dag.loss).all()
    assert np.isfinite(dag.score)
    signed = np.isin(keys, known.signed)
    sign = known.sign[np.searchsorted(known.signed, keys[signed])]
    assert (sign * dag.weight[signed] >= 0).all()
