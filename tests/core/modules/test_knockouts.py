"""Facts about what modules keep of knock-outs."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.effects.total import responses
from acyclome.core.modules.find import Modules
from acyclome.core.modules.knockouts import Knockouts
from acyclome.core.modules.path import Judges

NEVER, ALWAYS = np.full(6, np.inf), np.full(6, -1.0)


@pytest.fixture(scope="module")
def data():
    Z = np.random.default_rng(0).standard_normal((6, 100))
    return correlate(scale_genes(lambda a, b: Z[a:b], 6, lost=0, threads=1), 1)


def of(loadings, data=None):
    K = loadings.shape[1]
    found = Modules(loadings, np.full(6, 0.5), np.zeros((K, 100)), np.full(K, -1), np.ones(K), loadings**2 > 0.4)
    return found if data is None else replace(found, scores=found.weights() @ data.Z)


def star(price):
    """Gene 0 moves 1, 2 and 3, and gene 3 moves 4."""
    source, target, weight = np.array([0, 0, 0, 3]), np.array([1, 2, 3, 4]), np.array([1.0, -1.0, 0.5, 2.0])
    return Knockouts(source, target, weight, order=np.arange(6), price=price)


def test_effects_are_those_of_the_network_without_what_a_gene_does_to_itself():
    knocked = star(NEVER)
    assert knocked.genes.tolist() == [0, 3]
    np.testing.assert_allclose(knocked.effects, [[0, 1, -1, 0.5, 1, 0], [0, 0, 0, 0, 2, 0]])
    T = responses(knocked.source, knocked.target, knocked.weight, order=knocked.order, genes=knocked.genes)
    np.testing.assert_allclose(T - knocked.effects, np.eye(6)[[0, 3]])


def test_modules_along_all_effects_keep_everything(data):
    knocked = star(NEVER)
    assert knocked.kept(data, of(0.1 * knocked.effects.T, data)).by_modules == pytest.approx(1.0)


def test_a_module_keeps_the_share_of_squares_that_lie_along_it(data):
    kept = star(NEVER).kept(data, of(0.2 * np.eye(6)[:, [4]], data))
    assert kept.by_modules == kept.with_edges == pytest.approx((1.0 + 4.0) / (1 + 1 + 0.25 + 1 + 4))


def test_with_all_edges_beside_nothing_is_lost(data):
    kept = star(ALWAYS).kept(data, of(0.1 * np.eye(6)[:, [5]], data))
    assert kept.by_modules == pytest.approx(0.0)
    assert kept.with_edges == pytest.approx(1.0)
    assert kept.n_edges == 4
    assert star(NEVER).kept(data, of(0.1 * np.eye(6)[:, [5]], data)).n_edges == 0


def test_modules_are_named_again_where_the_nearest_of_a_part_goes_with_the_same_set():
    whole, part = of(np.eye(6)[:, :3]), of(np.eye(6)[:, [2, 0, 1]])
    names = {id(whole): np.array([0, 1, -1]), id(part): np.array([-1, 0, 5])}
    said = Judges(names=lambda modules: names[id(modules)]).say(whole, [part])
    assert said["enriched"] == pytest.approx(2 / 3)
    assert said["named_again"] == 0.5
