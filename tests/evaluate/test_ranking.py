"""Scores of ranked lists: closed forms against the full matrix, and what a challenge counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acyclome.errors import InputError
from acyclome.evaluate.metrics import score_run
from acyclome.evaluate.ranking import aupr, auroc, early_precision, ranking_scores, scored_universe


def listed(d, k, seed, *, tied=False):
    """Some ordered pairs with positive scores, and a truth over all of them."""
    rng = np.random.default_rng(seed)
    pairs = np.flatnonzero(~np.eye(d, dtype=bool).ravel())
    key = rng.choice(pairs, size=k, replace=False)
    score = rng.integers(1, 5, k).astype(float) if tied else rng.permutation(k) + 1.0
    truth = np.zeros(d * d, bool)
    truth[rng.choice(pairs, size=max(1, pairs.size // 8), replace=False)] = True
    return key, score, truth, pairs


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("d", "k", "seed"), [(5, 8, 1), (12, 60, 2), (12, 132, 3), (30, 100, 4), (6, 0, 5)])
def test_closed_forms_match_the_measuring_tool_on_the_whole_matrix(bench, d, k, seed, tied):
    key, score, truth, pairs = listed(d, k, seed, tied=tied)
    whole = np.zeros(d * d)
    whole[key] = score
    counts = {"n_pairs": pairs.size, "n_true": int(truth.sum())}
    metrics = bench("metrics")
    assert aupr(score, truth[key], **counts) == pytest.approx(metrics.aupr(whole[pairs], truth[pairs]))
    assert auroc(score, truth[key], **counts) == pytest.approx(metrics.auroc(whole[pairs], truth[pairs]))
    if not tied and k >= truth.sum():
        theirs = metrics.early_precision(whole[pairs], truth[pairs])
        assert early_precision(score, truth[key], **counts) == pytest.approx(theirs)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30), st.integers(0, 999))
def test_order_of_the_rows_does_not_matter(rows, seed):
    score, label = np.array(rows, dtype=float).T
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    for measure in (aupr, auroc, early_precision):
        a, b = measure(score, label), measure(score[shuffled], label[shuffled])
        assert a == pytest.approx(b, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
def test_auroc_of_the_opposite_ranking_is_the_complement(rows):
    score, label = np.array(rows, dtype=float).T
    expected = 1.0 if 0 < label.sum() < label.size else np.nan
    assert auroc(score, label) + auroc(-score, label) == pytest.approx(expected, nan_ok=True)


def test_perfect_and_void_rankings():
    label = np.array([True, True, False, False])
    assert aupr(label, label) == auroc(label, label) == early_precision(label, label) == 1.0
    nothing = np.empty(0)
    assert aupr(nothing, nothing, n_pairs=90, n_true=9) == pytest.approx(0.1)
    assert auroc(nothing, nothing, n_pairs=90, n_true=9) == 0.5
    assert early_precision(nothing, nothing, n_pairs=90, n_true=9) == pytest.approx(0.1)


def test_average_precision_by_hand():
    assert aupr(np.array([3.0, 2.0, 1.0]), np.array([True, False, True])) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_early_precision_shares_a_tie_at_the_cut():
    score, label = np.array([2.0, 1.0, 1.0, 1.0]), np.array([True, True, False, False])
    assert early_precision(score, label) == pytest.approx((1 + 1 / 3) / 2)


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="without a score"):
        aupr(np.array([1.0, np.nan]), np.array([True, False]))


@pytest.fixture
def run():
    ranking = pd.DataFrame(
        [("A", "B", 0.9), ("A", "C", 0.8), ("Z", "A", 0.7), ("B", "A", 0.6), ("C", "B", 0.1)],
        columns=["source", "target", "rank_score"],
    )
    edges = pd.DataFrame([("A", "B", "+"), ("A", "C", "-"), ("Z", "A", "+")], columns=["source", "target", "sign"])
    truth = pd.DataFrame(
        [("A", "B", "+"), ("A", "C", "+"), ("A", "A", "+"), ("A", "B", "+"), ("Q", "B", "-")],
        columns=["source", "target", "sign"],
    )
    return ranking, edges, truth, ["A", "B", "C", "Z"]


def test_only_genes_of_the_truth_are_scored(run):
    scores = score_run(*run)
    assert (scores["n_pairs"], scores["n_true"], scores["n_listed"], scores["n_true_unmeasured"]) == (6, 2, 4, 1)
    assert scores["aupr"] == scores["auroc"] == scores["f1"] == 1.0
    assert scores["shd"] == 0
    assert scores["sign_agreement"] == 0.5
    json.dumps(scores, allow_nan=False)


def test_all_genes_are_scored_on_request(run):
    scores = score_run(*run, restrict=False)
    assert (scores["n_pairs"], scores["n_true"], scores["n_listed"]) == (12, 2, 5)
    assert scores["precision"] == pytest.approx(2 / 3)


def test_regulators_bound_the_causes(run):
    scores = score_run(*run, regulators=["A", "C"])
    assert (scores["n_sources"], scores["n_pairs"]) == (1, 2)
    assert score_run(*run, regulators=["A", "C"], restrict=False)["n_pairs"] == 6


def test_signs_may_be_numbers_or_absent(run):
    ranking, edges, truth, genes = run
    assert score_run(ranking, edges, truth.assign(sign=[1.0, -1.0, 1, 1, 0]), genes)["sign_agreement"] == 1.0
    assert score_run(ranking, edges, truth.drop(columns="sign"), genes)["sign_agreement"] is None


def test_a_truth_in_other_names_is_refused_with_samples(run):
    ranking, edges, truth, _ = run
    with pytest.raises(InputError, match=r"A, Q, B, C.*ENSG1.*0 in common"):
        score_run(ranking, edges, truth, ["ENSG1", "ENSG2"])
    with pytest.raises(InputError, match="needs source and target"):
        score_run(ranking, edges, truth.rename(columns={"source": "from"}), ["A", "B"])


def test_a_pair_listed_twice_is_refused(run):
    ranking, edges, truth, genes = run
    with pytest.raises(InputError, match="more than once"):
        score_run(pd.concat([ranking, ranking]), edges, truth, genes)


@pytest.mark.parametrize(("name", "genes", "true"), [("DAG1_d100_n500", 100, 121), ("EColi_d100_n500", 100, 149)])
def test_background_genes_and_self_loops_fall_out_of_syntren_truths(name, genes, true):
    path = Path(__file__).parents[2].parent / "shared" / "data" / "syntren_nobears" / f"{name}_network.sif"
    if not path.exists():
        pytest.skip("the data sets in ../shared/data are absent")
    sif = pd.read_csv(path, sep=r"\s+", names=["source", "relation", "target"])
    sif = sif[~sif["source"].str.startswith("bgr_") & ~sif["target"].str.startswith("bgr_")]
    names = pd.unique(sif[["source", "target"]].to_numpy().ravel())
    universe = scored_universe(sif, [*names, "bgr_1"])
    assert (universe.is_source.sum(), universe.source.size) == (genes, true)
    assert universe.n_pairs == genes * (genes - 1)


@pytest.mark.parametrize("regulators", [None, ["a", "b", "c"]])
def test_undirected_each_pair_counts_once_with_the_higher_of_its_scores(regulators):
    genes = list("abcdef")
    truth = pd.DataFrame({"source": list("abbc"), "target": list("bacf")})
    rng = np.random.default_rng(9)
    whole = {(x, y): rng.random() for x in regulators or genes for y in genes if x != y}
    universe = scored_universe(truth, genes, regulators=regulators, restrict=False)
    joined = {frozenset(pair) for pair in whole}
    score = np.array([max(whole.get((x, y), 0), whole.get((y, x), 0)) for x, y in map(sorted, joined)])
    label = np.array([pair in {frozenset("ab"), frozenset("bc"), frozenset("cf")} for pair in joined])
    source, target = zip(*whole, strict=True)
    found = ranking_scores(source, target, np.array(list(whole.values())), universe, undirected=True)
    assert (found["n_pairs"], found["n_listed"], found["n_true"]) == (len(joined), len(joined), 3)
    assert found["aupr"] == pytest.approx(aupr(score, label))
    assert found["auroc"] == pytest.approx(auroc(score, label))
