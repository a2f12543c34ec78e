"""What a network is compared with: known answers, identities and limits."""

import numpy as np
import pytest

from acyclome.core.graph.equivalence import is_dag
from acyclome.evaluate.rivals import EMPTY, OURS, beside_rivals, met_by_chance, rival_networks
from acyclome.evaluate.simulate import simulate


@pytest.fixture(scope="module")
def drawn():
    return simulate(30, 1000, graph="er", degree=2.0, parent_share=(0.3, 0.8), standardised=True, seed=8)


def test_rivals_are_acyclic_and_keep_to_the_causes(drawn):
    causes = np.arange(30) % 3 > 0
    found = rival_networks(drawn.X, 25, causes, seed=4)
    assert set(found) == {
        "sort by variance",
        "rising R2",
        "falling R2",
        "random order",
        "strongest correlations",
        EMPTY,
    }
    for source, target in found.values():
        assert is_dag(source, target, 30)
        assert causes[source].all()
    assert len(found["strongest correlations"][0]) == 25
    assert len(found[EMPTY][0]) == 0


def test_the_true_network_gains_most_and_agrees_with_itself(drawn):
    truth = drawn.source, drawn.target
    turned = drawn.target, drawn.source
    half = {OURS: (drawn.source[::2], drawn.target[::2])}
    networks = {"true": truth, "turned": turned, **half, EMPTY: (np.empty(0, int), np.empty(0, int))}
    rows = {row["network"]: row for row in beside_rivals(drawn.X[:800], drawn.X[800:], networks)}
    assert rows["true"]["gain"] == max(row["gain"] for row in rows.values())
    assert rows[EMPTY]["gain"] == 0.0
    assert (rows["true"]["joined"], rows["true"]["same"]) == (1.0, 1.0)
    assert (rows["turned"]["joined"], rows["turned"]["same"]) == (1.0, 0.0)
    assert rows[OURS]["joined"] == pytest.approx(np.ceil(len(drawn.source) / 2) / len(drawn.source))
    assert np.isnan(rows[EMPTY]["same"])


def test_the_gain_of_one_edge_is_its_mutual_information():
    rng = np.random.default_rng(5)
    x = rng.standard_normal(200_000)
    X = np.column_stack([x, 0.6 * x + 0.8 * rng.standard_normal(200_000)])
    row = beside_rivals(X[:100_000], X[100_000:], {OURS: (np.array([0]), np.array([1]))})[0]
    assert row["gain"] == pytest.approx(-np.log(0.8), abs=0.01)


def test_chance_is_what_rewiring_gives_on_average():
    rng = np.random.default_rng(6)
    d, source, target = 12, rng.integers(0, 12, 40), rng.integers(0, 12, 40)
    known = np.unique(rng.integers(0, d * d, 30))
    found = met_by_chance(source, target, known, d)
    drawn = [rng.permutation(target) * d + source for _ in range(4000)]
    assert found["found_by_chance"] == pytest.approx(np.mean([np.isin(known, keys).sum() for keys in drawn]), rel=0.35)
    pairs = np.mean([sum((keys == key).sum() for key in known) for keys in drawn])
    assert found["found_by_chance"] == pytest.approx(pairs, rel=0.05)
    both = met_by_chance(np.array([0]), np.array([1]), np.array([d * 1 + 0, d * 0 + 1]), d)
    assert (both["found"], both["turned"], both["known"]) == (1.0, 1.0, 2.0)
