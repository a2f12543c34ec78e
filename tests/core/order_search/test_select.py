"""Selection of one gene's parents against a float64 version that fits every subset anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.core.order_search import select as kernels

RTOL = 2e-3  # float32 covariances against float64 fits, on correlations up to .99
SEEDS = range(25)
LAST_DROP = (21, 31, 101, 156)  # problems in which a parent is dropped as often as the selection allows


def problem(lab, seed, *, relative, width=None):
    """Draw the blocks of a few genes with strongly correlated candidates."""
    rng = np.random.default_rng([1, seed])
    d = int(rng.integers(5, 28)) if width is None else width + 1
    R = lab.draw_correlations(seed, d, int(rng.integers(2, 7)), 10 ** rng.uniform(-1.5, 0))
    variance = None if relative else np.full(d, rng.uniform(0.5, 20))
    return R, lab.make_blocks(R, lab.all_pairs(d), rng.choice([100, 1000, 5000]), variance=variance)


def choose(blocks, j, allowed):
    """Run the kernel for gene ``j``; return its path and its scratch."""
    scratch, path = kernels.new_scratch(blocks.gene[j]["width"]), np.zeros(1, kernels.SELECTION)
    kernels.select(
        blocks.gene[j], allowed.astype(np.uint8), blocks.cross, blocks.gram, blocks.relative, scratch, path[0]
    )
    return path[0], scratch


def picked(path):
    return path["selected"][: path["size"]].tolist()


def grow_and_shrink(rest, variance, pool, gene, relative):
    """Select in float64: add the best while it pays, drop the worst that does not, at most GROW_AGAIN times."""
    chosen, dropped = [], 0
    while True:
        while True:
            left = [i for i in pool if i not in chosen and variance(i, chosen) > kernels.MIN_VARIANCE]
            gains = [rest(chosen) - rest([*chosen, i]) for i in left]
            if not gains or max(gains) <= gene["drop"] * (rest(chosen) if relative else 1.0):
                break
            chosen = [*chosen, left[int(np.argmax(gains))]]
        losses = [rest([i for i in chosen if i != out]) - rest(chosen) for out in chosen]
        limit = rest(chosen) * gene["drop"] / (1 - gene["drop"]) if relative else gene["drop"]
        if (
            len(chosen) < 2
            or min(losses) >= limit
            or dropped == kernels.GROW_AGAIN
            or np.argmin(losses) == len(losses) - 1
        ):
            return chosen, dropped
        del chosen[int(np.argmin(losses))]
        dropped += 1


def reference(lab, R, j, allowed, gene, relative):
    """Run the float64 selection of gene ``j``; return local indices, score and drops."""
    others = [i for i in range(len(R)) if i != j]
    pool = np.flatnonzero(allowed).tolist()
    chosen, dropped = grow_and_shrink(
        lambda given: lab.rest_of(R, j, [others[i] for i in given]),
        lambda i, given: lab.rest_of(R, others[i], [others[k] for k in given]),
        pool,
        gene,
        relative,
    )
    rest = lab.rest_of(R, j, [others[i] for i in chosen])
    score = gene["factor"] * (np.log(rest) if relative else rest) + gene["penalty"] * len(chosen)
    return chosen, score, dropped


@pytest.mark.parametrize("relative", [True, False])
def test_selection_is_that_of_fitting_every_subset_anew(lab, relative):
    for seed in SEEDS:
        R, blocks = problem(lab, seed, relative=relative)
        allowed = np.random.default_rng([2, seed]).random(len(R) - 1) < 0.8
        for j in range(2):
            path, _ = choose(blocks, j, allowed)
            chosen, score, _ = reference(lab, R, j, allowed, blocks.gene[j], relative)
            assert sorted(picked(path)) == sorted(chosen)
            assert path["score"] == pytest.approx(score, rel=RTOL, abs=RTOL * blocks.gene[j]["factor"])
            assert path["score"] < 0 if relative else path["score"] <= blocks.gene[j]["factor"]


@pytest.mark.parametrize("seed", LAST_DROP)
def test_score_and_rest_belong_to_the_parents_that_are_left_after_the_last_drop(lab, seed):
    R, blocks = problem(lab, seed, relative=True, width=27)
    path, _ = choose(blocks, 0, np.ones(27, bool))
    gene = blocks.gene[0]
    assert reference(lab, R, 0, np.ones(27, bool), gene, relative=True)[2] == kernels.GROW_AGAIN
    rest = lab.rest_of(R, 0, [i + 1 for i in picked(path)])
    assert path["residual"] == pytest.approx(rest, rel=RTOL)
    assert path["score"] == pytest.approx(gene["factor"] * np.log(rest) + gene["penalty"] * path["size"], rel=RTOL)


@given(seed=st.integers(0, 10_000), relative=st.booleans())
def test_a_candidate_that_would_not_enter_changes_nothing(lab, seed, relative):
    R, blocks = problem(lab, seed, relative=relative)
    rng = np.random.default_rng([3, seed])
    j = int(rng.integers(len(R)))
    allowed = rng.random(len(R) - 1) < 0.5
    path, scratch = choose(blocks, j, allowed)
    for i in np.flatnonzero(~allowed):
        enters = kernels.would_enter(
            blocks.gene[j], i, blocks.cross, blocks.gram, blocks.relative, scratch.single[2], path
        )
        wider = allowed.copy()
        wider[i] = True
        other, _ = choose(blocks, j, wider)
        same = picked(other) == picked(path)
        assert same or enters
        if not enters:
            assert (other["score"], other["residual"]) == (path["score"], path["residual"])
        if path["pure"] and other["pure"]:
            assert enters != same


@given(seed=st.integers(0, 10_000), relative=st.booleans())
def test_a_pick_measured_against_itself_would_enter_whatever_rounding_says(lab, seed, relative):
    R, blocks = problem(lab, seed, relative=relative)
    path, scratch = choose(blocks, 0, np.ones(len(R) - 1, bool))
    if path["pure"]:
        for i in picked(path):
            assert kernels.would_enter(
                blocks.gene[0], i, blocks.cross, blocks.gram, blocks.relative, scratch.single[2], path
            )


@given(seed=st.integers(0, 10_000))
def test_what_does_not_matter_may_change_sides(lab, seed):
    R, blocks = problem(lab, seed, relative=True)
    rng = np.random.default_rng([4, seed])
    j = int(rng.integers(len(R)))
    allowed = rng.random(len(R) - 1) < 0.6
    path, scratch = choose(blocks, j, allowed)
    for i in range(len(allowed)):
        side = bool(allowed[i])
        if not kernels.matters(blocks.gene[j], i, side, blocks.cross, blocks.gram, True, scratch.single[2], path):
            turned = allowed.copy()
            turned[i] = not side
            other, _ = choose(blocks, j, turned)
            assert picked(other) == picked(path)
            assert other["score"] == path["score"]


def test_weights_are_least_squares_and_losses_are_refits(lab):
    for seed in SEEDS:
        R, blocks = problem(lab, seed, relative=True)
        path, scratch = choose(blocks, 0, np.ones(len(R) - 1, bool))
        size = int(path["size"])
        if size == 0:
            continue
        S = [i + 1 for i in picked(path)]
        kernels.coefficients(size, scratch, path)
        G = R.astype(float)[np.ix_(S, S)]
        np.testing.assert_allclose(
            scratch.double[kernels.MAX_PARENTS, :size], np.linalg.solve(G, R[S, 0].astype(float)), atol=RTOL
        )
        for a in range(size):
            fewer = lab.rest_of(R, 0, [s for s in S if s != S[a]])
            assert kernels.removal_loss(a, size, scratch) == pytest.approx(
                fewer - lab.rest_of(R, 0, S), rel=0.02, abs=1e-5
            )


def test_no_candidate_gives_no_parent_and_full_variance(lab):
    _, blocks = problem(lab, 0, relative=True)
    path, _ = choose(blocks, 0, np.zeros(blocks.gene[0]["width"], bool))
    assert (path["size"], path["residual"], path["score"]) == (0, 1.0, 0.0)
