"""Amounts are learned from by their logarithms, where noise may multiply them; others as they are."""

import numpy as np

from acyclome import learn
from acyclome.core.data.moments import scale_genes
from acyclome.models.gran_dag.card import marginal_map
from acyclome.models.logarithms import LOGARITHMS, gains_of_logarithms

N = 400


def drawn(seed=1):
    """Four genes, the second a curve of the first, and these two as amounts, one above zero, one of few values."""
    rng = np.random.default_rng([95, seed])
    Z = rng.standard_normal((4, N))
    Z[1] = 2.0 * np.tanh(1.5 * Z[0]) + 0.6 * Z[1]
    amounts = np.expm1(Z[:2] - Z[:2].min(axis=1, keepdims=True))
    return Z, np.vstack([amounts, Z[2] + 9.0, np.round(np.exp(Z[3]))])


def test_amounts_alone_are_taken_to_logarithms():
    Z, X = drawn()
    plain, found = (
        scale_genes(lambda a, b: X[a:b], len(X), marginal_map=of_amounts) for of_amounts in (None, marginal_map)
    )
    for gene in (0, 1):
        np.testing.assert_allclose(found.Z[gene], (Z[gene] - Z[gene].mean()) / Z[gene].std(), atol=1e-6)
    np.testing.assert_array_equal(found.Z[2:], plain.Z[2:])
    assert gains_of_logarithms(X)[2] < LOGARITHMS < gains_of_logarithms(X)[3]  # whose values return
    np.testing.assert_allclose(found.mean, plain.mean)
    np.testing.assert_allclose(found.scale, plain.scale)


def test_gran_dag_learns_from_amounts_what_it_learns_from_their_logarithms():
    X = drawn()[1][:3]
    config = {"model": "gran_dag", "fit": {"relax": False}}
    networks = [learn(values.T, n_resamples=0, random_state=3, config=config) for values in (X, np.log1p(X))]
    edges = [set(zip(net.source.tolist(), net.target.tolist(), strict=True)) for net in networks]
    assert edges[0] == edges[1] == {(0, 1)}
