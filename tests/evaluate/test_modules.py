"""Facts about simulated modules: equations, shares, the graph, and its truth among genes."""

import numpy as np
import pytest

from acyclome.evaluate.modules import simulate_modules


def test_genes_are_what_their_modules_and_direct_causes_say():
    s = simulate_modules(300, 4000, n_modules=5, direct=0.0, seed=3)
    scores = s.activity
    for g in np.flatnonzero(s.module >= 0)[:20]:
        own = np.flatnonzero(s.loadings[g])
        fitted = np.linalg.lstsq(scores[:, own], s.X[:, g], rcond=None)[0]
        np.testing.assert_allclose(fitted, s.loadings[g, own], atol=0.06)


def test_modules_explain_a_share_of_each_gene_within_the_range():
    s = simulate_modules(200, 2000, n_modules=4, direct=0.0, gene_share=(0.3, 0.8), seed=1)
    explained = (s.activity @ s.loadings.T).var(axis=0)[s.module >= 0]
    assert explained.min() > 0.26
    assert explained.max() < 0.84


def test_the_graph_of_modules_is_acyclic_and_every_module_has_a_regulator_of_its_own():
    s = simulate_modules(150, 50, n_modules=10, degree=2.0, seed=2)
    assert np.all(s.source < s.target)
    assert len(s.source) == 20
    assert len(set(s.regulator)) == 10
    assert np.all(s.module[s.regulator] == -1)


def test_regulators_are_independent_of_one_another_and_move_their_modules():
    s = simulate_modules(100, 5000, n_modules=4, seed=5)
    R = np.corrcoef(s.X[:, s.regulator].T, s.activity.T)
    assert np.abs(R[:4, :4] - np.eye(4)).max() < 0.06
    assert np.abs(R[:4, 4:].diagonal()).min() > 0.2


def test_the_truth_among_genes_leads_from_regulators_to_the_genes_of_their_modules():
    s = simulate_modules(120, 50, n_modules=3, direct=0.1, seed=1)
    edges = set(zip(s.edges["source"], s.edges["target"], strict=True))
    assert {(s.genes[a], s.genes[b]) for a, b in s.direct} <= edges
    gene = int(np.flatnonzero(s.loadings[:, 0])[0])
    assert (s.genes[s.regulator[0]], s.genes[gene]) in edges


def test_one_seed_gives_one_graph_whatever_the_observations():
    few, many = (simulate_modules(100, n, n_modules=4, seed=7) for n in (20, 60))
    np.testing.assert_array_equal(few.source, many.source)
    np.testing.assert_array_equal(few.module, many.module)
    np.testing.assert_array_equal(few.direct, many.direct)


@pytest.mark.parametrize("wrong", [{"n_modules": 0}, {"n_modules": 30}, {"shared": 1.0}, {"gene_share": (0.0, 0.5)}])
def test_numbers_outside_their_range_are_refused_by_name(wrong):
    name = "d is 100" if wrong == {"n_modules": 30} else next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        simulate_modules(100, 50, **({"n_modules": 4} | wrong))
