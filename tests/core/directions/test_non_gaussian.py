"""Directions from noise that is not Gaussian: nothing on Gaussian data, the right ones elsewhere, the class kept."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.core.backend import ThreadBackend
from acyclome.core.data.constraints import Constraints
from acyclome.core.data.moments import correlate, scale_genes
from acyclome.core.data.problem import Problem
from acyclome.core.data.search_result import SearchResult
from acyclome.core.directions.non_gaussian import ODDS, noise_evidence, turn_by_noise
from acyclome.core.graph.equivalence import cpdag

TRUE = [(0, 1), (1, 2), (1, 3), (3, 4)]
WRONG = [(1, 0), (2, 1), (1, 3), (3, 4)]  # another member of the class
D, N_OBS = 5, 800


def draw(noise, seed=71):
    rng = np.random.default_rng(seed)
    E = getattr(rng, noise)(size=(D, N_OBS))
    for i, j in TRUE:
        E[j] += 0.9 * E[i] / E[i].std()
    return Problem(correlate(scale_genes(lambda a, b: E[a:b], D), 1), Constraints.none(D), ThreadBackend())


def dag_of(edges):
    source, target = (np.array(ends, dtype=np.int32) for ends in zip(*edges, strict=True))
    order = np.array([2, 1, 0, 3, 4] if edges is WRONG else range(D), dtype=np.int32)
    m = len(edges)
    return SearchResult(source, target, np.zeros(m), np.zeros(m), order, np.ones(D), 0.0, 0.0)


def pairs(dag):
    return set(zip(dag.source.tolist(), dag.target.tolist(), strict=True))


@pytest.mark.parametrize("noise", ["exponential", "laplace"])
def test_wrong_edges_are_turned_and_the_class_is_kept(noise):
    wrong = dag_of(WRONG)
    found = turn_by_noise(draw(noise), wrong)
    assert pairs(found) == set(TRUE)
    place = np.argsort(found.order)
    assert (place[found.source] < place[found.target]).all()
    assert cpdag(found.source, found.target, D).tolist() == cpdag(wrong.source, wrong.target, D).tolist()


def test_turned_genes_are_fitted_anew():
    problem = draw("exponential")
    data = problem.data
    found = turn_by_noise(problem, dag_of(WRONG))
    at = int(np.flatnonzero((found.source == 0) & (found.target == 1))[0])
    assert found.weight[at] == pytest.approx(data.R[0, 1], abs=1e-6)
    assert found.residual[1] == pytest.approx(1 - data.R[0, 1] ** 2, abs=1e-6)
    assert found.loss[at] == pytest.approx(-N_OBS / 2 * np.log(found.residual[1]), rel=1e-5)


@pytest.mark.parametrize("seed", [72, 73, 74])
def test_gaussian_data_say_nothing_and_change_nothing(seed):
    problem, wrong = draw("standard_normal", seed), dag_of(WRONG)
    assert turn_by_noise(problem, wrong) is wrong
    assert noise_evidence(problem.data, wrong.source, wrong.target).tolist() == [0.0] * 4


def test_evidence_changes_its_sign_with_the_edge():
    data = draw("exponential").data
    for i, j in ([0], [1]), ([1], [0]):
        evidence = noise_evidence(data, np.array(i), np.array(j))[0]
        assert np.sign(evidence) == (1 if i == [0] else -1)
        assert abs(evidence) > ODDS


def test_known_edges_stay():
    constraints = replace(Constraints.none(D), forbidden=np.array([1 * D + 0, 2 * D + 1]))
    found = turn_by_noise(replace(draw("exponential"), constraints=constraints), dag_of(WRONG))
    assert pairs(found) == set(WRONG)


def test_an_edge_is_turned_where_noise_speaks_against_it_with_odds_of_20_to_1_and_stays_elsewhere():
    against = []
    for seed in range(60):
        rng = np.random.default_rng([75, seed])
        E = rng.laplace(size=(2, 60))
        E[1] += E[0]
        problem = Problem(correlate(scale_genes(lambda a, b, E=E: E[a:b], 2), 1), Constraints.none(2), ThreadBackend())
        edge, nothing = (np.array([1], np.int32), np.array([0], np.int32)), np.zeros(1)
        dag = SearchResult(*edge, nothing, nothing, np.array([1, 0], np.int32), np.ones(2), 0.0, 0.0)
        odds = np.exp(-noise_evidence(problem.data, *edge)[0])
        against.append(odds)
        assert (pairs(turn_by_noise(problem, dag)) == {(0, 1)}) == (odds > np.exp(3.0))
    assert sum(1 < odds < np.exp(3.0) for odds in against) > 3
    assert sum(odds > np.exp(3.0) for odds in against) > 3


def test_genes_with_a_signed_parent_keep_their_parents():
    problem = draw("exponential")
    signed = replace(Constraints.none(D), signed=np.array([1 * D + 2]), sign=np.array([1], np.int8))
    found = turn_by_noise(replace(problem, constraints=signed), dag_of(WRONG))
    assert pairs(found) == set(WRONG)


@pytest.mark.parametrize("is_signed", [False, True])
def test_no_edge_turns_into_or_out_of_a_gene_with_a_signed_parent_though_noise_speaks_against_it(is_signed):
    E = np.random.default_rng(76).exponential(size=(3, N_OBS))
    E[1] += 0.9 * E[0]
    E[2] += 0.9 * E[0] + 0.9 * E[1]
    constraints = Constraints.none(3)
    if is_signed:
        constraints = replace(constraints, signed=np.array([1 * 3 + 0]), sign=np.array([1], np.int8))
    problem = Problem(correlate(scale_genes(lambda a, b: E[a:b], 3), 1), constraints, ThreadBackend())
    source, target = np.array([0, 0, 2], np.int32), np.array([1, 2, 1], np.int32)
    wrong = SearchResult(source, target, np.zeros(3), np.zeros(3), np.array([0, 2, 1], np.int32), np.ones(3), 0.0, 0.0)
    assert ((2, 1) in pairs(turn_by_noise(problem, wrong))) is is_signed
