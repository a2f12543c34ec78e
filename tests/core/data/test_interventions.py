"""Moments, blocks and networks without the observations in which a gene was a target, against float64 on those rows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from acyclome.core.data import interventions as interventions_module
from acyclome.core.data import moments as moments_module
from acyclome.core.data.candidates import Candidates
from acyclome.core.data.interventions import Interventions, leave_out, own_rows, parent_scale
from acyclome.core.engine import EngineSettings
from acyclome.core.order_search.gram_blocks import ScoreSettings, build_blocks
from acyclome.core.screening.batched import correlations_of, forward_select_batched
from acyclome.core.screening.screen import ScreenSettings, forward_select

D, N = 7, 120
SETTINGS = EngineSettings(ScreenSettings(8, 4.0, 8, 0.05, 40), None, ScoreSettings(False, 1.0, 1), rescreens=True)


@st.composite
def problems(draw):
    """Draw ``(X, gene, row)``: data, and pairs of gene and observation; several targets per observation occur."""
    rng = np.random.default_rng([91, draw(st.integers(0, 10_000))])
    mixing = rng.standard_normal((D, D)) * 0.5 + np.eye(D)
    X = rng.standard_normal((N, D)) @ mixing + 3.0 * rng.standard_normal(D)
    m = draw(st.integers(1, 120))
    gene, row = rng.integers(0, D - 1, m), rng.integers(0, N, m)  # the last gene is never a target
    X[row, gene] = 4.0 + rng.standard_normal(m)
    return X, gene, row


def moments_of(lab, X, gene, row, **options):
    return lab.moments_of(
        X, interventions=Interventions.from_pairs(gene, row, n_genes=X.shape[1], n_obs=len(X)), **options
    )


def own_correlation(X, targets, j):
    """Correlations over the own observations of gene ``j``."""
    return np.corrcoef(np.delete(X, targets.of(j), axis=0), rowvar=False)


def decided(lab, m, seed=3, threads=1):
    return lab.learn_dag(lab.problem_of(m, threads=threads), SETTINGS, seed)[0]


@given(problem=problems())
def test_blocks_of_targeted_genes_are_those_of_their_own_observations(lab, problem):
    X, gene, row = problem
    m, candidates = moments_of(lab, X, gene, row), lab.all_pairs(D)
    pools = build_blocks(lab.problem_of(m), candidates, score=SETTINGS.score)
    for j in range(D):
        R, g = own_correlation(X, m.interventions, j), pools.gene[j]
        mine = candidates.parent[g["start"] : g["start"] + g["width"]]
        block = pools.gram[g["offset"] : g["offset"] + g["width"] ** 2].reshape(g["width"], -1)
        np.testing.assert_allclose(block, R[np.ix_(mine, mine)], atol=1e-10)
        np.testing.assert_allclose(pools.cross[g["start"] : g["start"] + g["width"]], R[mine, j], atol=1e-10)
        assert g["factor"] == (N - len(m.interventions.of(j))) / 2


@given(problem=problems())
def test_means_scales_and_rows_are_those_of_the_own_observations(lab, problem):
    X, gene, row = problem
    m = moments_of(lab, X, gene, row)
    for j in range(D):
        own = np.delete(X[:, j], m.interventions.of(j))
        assert m.mean[j] == pytest.approx(own.mean())
        assert m.scale[j] == pytest.approx(own.std())
        np.testing.assert_allclose(
            np.delete(m.rows(j, j + 1)[0], j), np.delete(own_correlation(X, m.interventions, j)[j], j), atol=1e-9
        )
    source, target = np.nonzero(~np.eye(D, dtype=bool))
    Z = np.delete(m.Z[source[0]], m.interventions.of(target[0]))
    assert parent_scale(m.Z, m.interventions, source=source, target=target)[0] == pytest.approx(Z.std())


@given(problem=problems())
def test_correlations_that_are_not_held_give_the_same_blocks(lab, problem):
    X, gene, row = problem
    held = moments_of(lab, X, gene, row)
    bare = moments_module.replace(held, R=None)
    one, two = (build_blocks(lab.problem_of(m), lab.all_pairs(D), score=SETTINGS.score) for m in (held, bare))
    np.testing.assert_allclose(one.gram, two.gram, atol=1e-10)
    np.testing.assert_allclose(one.cross, two.cross, atol=1e-10)


def test_large_networks_in_single_precision_are_as_right_as_their_values(lab, monkeypatch):
    monkeypatch.setattr(moments_module, "PRECISE_GENES", 1)
    X = lab.draw_linear(5, D, N)[0].copy()
    gene, row = np.repeat(np.arange(3), 10), np.arange(30)
    X[row, gene] = -3.0
    m = moments_of(lab, X, gene, row)
    assert m.Z.dtype == np.float32
    pools = build_blocks(lab.problem_of(m), lab.all_pairs(D), score=SETTINGS.score)
    R = own_correlation(X, m.interventions, 1)
    np.testing.assert_allclose(pools.cross[D - 1 : 2 * D - 2], np.delete(R[1], 1), atol=1e-5)


@given(problem=problems(), other=st.integers(0, 10_000))
def test_what_is_done_to_a_gene_says_nothing_about_its_causes(lab, problem, other):
    X, gene, row = problem
    before, after = X.copy(), X.copy()
    after[row, gene] = np.random.default_rng(other).uniform(-50, 50, len(row))
    for j in np.unique(gene):  # the values of this gene alone change, where it was a target
        changed = X.copy()
        changed[row[gene == j], j] = after[row[gene == j], j]
        blocks = []
        for data in (before, changed):
            m = moments_of(lab, data, gene, row)
            pools = build_blocks(lab.problem_of(m), lab.all_pairs(D), score=SETTINGS.score)
            g = pools.gene[j]
            blocks.append(
                (
                    pools.gram[g["offset"] : g["offset"] + g["width"] ** 2],
                    pools.cross[g["start"] : g["start"] + g["width"]],
                    m.scale[j],
                )
            )
        for one, two in zip(*blocks, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-8)


@pytest.mark.parametrize(("cause", "effect"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("target", ["cause", "effect"])
def test_an_intervention_on_either_gene_decides_what_observations_cannot(lab, cause, effect, target):
    rng = np.random.default_rng([92, cause])
    X = rng.standard_normal((400, 3))
    acted = np.arange(300, 400)
    if target == "cause":
        X[acted, cause] = 3.0 + rng.standard_normal(100)
    X[:, effect] += X[:, cause]
    if target == "effect":
        X[acted, effect] = 3.0 + rng.standard_normal(100)
    m = moments_of(lab, X, np.full(100, cause if target == "cause" else effect), acted)
    for seed in range(5):
        dag = decided(lab, m, seed)
        assert list(zip(dag.source, dag.target, strict=True)) == [(cause, effect)]
        own = np.delete(X, m.interventions.of(effect), axis=0)
        slope = np.polyfit(own[:, cause], own[:, effect], 1)[0]
        assert dag.weight[0] == pytest.approx(slope * m.scale[cause] / m.scale[effect])


def test_the_network_follows_a_relabelling_and_not_the_threads(lab):
    rng = np.random.default_rng(93)
    X = lab.draw_linear(6, 20, 300)[0].copy()
    gene, row = np.repeat(np.arange(10), 20), np.arange(200)
    X[row, gene] = -4.0
    place = rng.permutation(20)
    plain, moved = (
        decided(lab, moments_of(lab, X, gene, row)),
        decided(lab, moments_of(lab, X[:, np.argsort(place)], place[gene], row), seed=4),
    )
    assert set(zip(place[plain.source], place[plain.target], strict=True)) == set(
        zip(moved.source, moved.target, strict=True)
    )
    threaded = decided(lab, moments_of(lab, X, gene, row, threads=2), threads=2)
    np.testing.assert_array_equal(plain.weight, threaded.weight)


def test_without_interventions_every_observation_is_everybodys_own(lab):
    X = lab.draw_linear(7, 130, 200)[0]
    m = lab.moments_of(X, lost=3.0)
    assert not m.interventions.any
    np.testing.assert_array_equal(m.own_scale, 1.0)
    np.testing.assert_array_equal(m.n_own, 197.0)
    np.testing.assert_array_equal(m.rows(0, 130), m.R)
    np.testing.assert_allclose(m.mean, X.mean(axis=0), atol=1e-12)
    source, target = np.arange(129), np.arange(1, 130)
    np.testing.assert_array_equal(parent_scale(m.Z, m.interventions, source=source, target=target), 1.0)


def test_screening_looks_for_causes_in_the_own_observations(lab):
    rng = np.random.default_rng(94)
    X = rng.standard_normal((300, 150))
    X[:, 0] += X[:, 1]  # 1 -> 0, and where 0 was a target it drives 2
    X[200:, 0] = 6.0 * rng.standard_normal(100)
    X[200:, 2] += X[200:, 0]
    gene, row = np.zeros(100, int), np.arange(200, 300)
    m, one = moments_of(lab, X, gene, row), partial(forward_select, regressors=np.arange(150), steps=1, min_gain=4.0)
    assert one(lab.problem_of(X))[0, 0] == 2
    assert one(lab.problem_of(m))[0, 0] == 1
    assert own_rows(m.R[5:6], m.Z, m.interventions, genes=np.array([5]), sources=None) is not None
    np.testing.assert_array_equal(own_rows(m.R[5:6], m.Z, m.interventions, genes=np.array([5]), sources=None), m.R[5:6])


def test_screening_by_tensors_takes_the_own_observations_too(lab):
    import torch

    X = lab.draw_linear(10, 150, 400)[0].copy()
    gene, row = np.repeat(np.arange(60), 5), np.arange(300)
    X[row, gene] = -6.0
    problem = lab.problem_of(moments_of(lab, X, gene, row))
    R = correlations_of(torch.as_tensor(problem.data.Z))
    told = forward_select_batched(problem, R, SETTINGS.screen)
    on_threads = forward_select(problem, np.arange(150), steps=8, min_gain=4.0)
    np.testing.assert_array_equal(told[:, 0], on_threads[:, 0])
    untold = forward_select_batched(lab.problem_of(X), R, SETTINGS.screen)
    assert (told[:60, 0] != untold[:60, 0]).any()


def test_a_gene_with_hardly_an_observation_of_its_own_gets_no_causes(lab):
    X = lab.draw_linear(8, 5, 60, 2)[0].copy()
    row = np.arange(55)
    m = moments_of(lab, X, np.full(55, 2), row)
    assert 2 not in decided(lab, m).target
    assert m.n_own.tolist() == [60.0, 60.0, 5.0, 60.0, 60.0]


@given(problem=problems(), data=st.data())
def test_targets_of_a_part_are_those_of_its_observations_and_genes(problem, data):
    _, gene, row = problem
    targets = Interventions.from_pairs(gene, row, n_genes=D, n_obs=N)
    rows = np.array(data.draw(st.lists(st.integers(0, N - 1), unique=True, min_size=1)))
    genes = np.array(data.draw(st.lists(st.integers(0, D - 1), unique=True, min_size=1)))
    part = targets.subset(genes, rows)
    for at, g in enumerate(genes):
        assert set(rows[part.of(at)]) == set(targets.of(g)) & set(rows)


@given(problem=problems())
def test_strata_are_the_combinations_of_targets(problem):
    _, gene, row = problem
    strata = Interventions.from_pairs(gene, row, n_genes=D, n_obs=N).strata()
    combination = [frozenset(gene[row == r].tolist()) for r in range(N)]
    assert len(set(strata)) == len(set(combination))
    assert len({(s, c) for s, c in zip(strata, combination, strict=True)}) == len(set(combination))


def test_candidates_that_never_vary_in_the_own_observations_are_no_causes(lab):
    X = lab.draw_linear(9, 4, 80)[0].copy()
    X[40:, 1] = 0.0  # varies only where gene 0 was a target
    m = moments_of(lab, X, np.zeros(40, int), np.arange(40))
    pools = build_blocks(lab.problem_of(m), Candidates.from_pairs([1, 2, 3], [0, 0, 0], 4), score=SETTINGS.score)
    assert pools.cross[0] == 0.0
    assert np.isfinite(pools.gram).all()


@pytest.fixture
def targeted(lab):
    """Data in which 60 of 90 genes are targets of five observations each."""
    X = lab.draw_linear(11, 90, 400)[0].copy()
    gene, row = np.repeat(np.arange(60), 5), np.arange(300)
    X[row, gene] = -6.0
    return moments_of(lab, X, gene, row)


@pytest.mark.parametrize("block", [1, 7])
def test_own_rows_have_the_same_bits_together_as_one_by_one_and_in_any_blocks(targeted, monkeypatch, block):
    m, genes = targeted, np.array([70, 3, 59, 4])
    each = [own_rows(m.R[[j]], m.Z, m.interventions, genes=np.array([j]), sources=None) for j in genes]
    monkeypatch.setattr(interventions_module, "SOURCES", block)
    together = own_rows(m.R[genes], m.Z, m.interventions, genes=genes, sources=None)
    np.testing.assert_array_equal(together, np.concatenate(each))


def test_what_is_left_out_of_residuals_has_the_same_bits_in_any_blocks(targeted, monkeypatch):
    m = targeted
    W = sparse.random_array((90, 90), density=0.05, rng=np.random.default_rng(3), format="csr")
    found = []
    for block in (1024, 8):
        monkeypatch.setattr(interventions_module, "SOURCES", block)
        K = m.R - W @ m.R
        leave_out(K, m.Z, m.interventions, W=W, a=0)
        found.append(K)
    np.testing.assert_array_equal(*found)
    left = m.Z - W @ m.Z
    for j in range(90):
        left[j, m.interventions.of(j)] = 0.0
    np.testing.assert_allclose(found[0], left @ m.Z.T / m.n_obs, atol=1e-12)
