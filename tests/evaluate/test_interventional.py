"""Networks scored by what acting on genes did, beside tests of single pairs by scipy."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, wasserstein_distance

from acyclome.evaluate.interventional import CONTROL, OTHER, Cells, halves, interventional_scores

EMPTY = np.empty(0, np.int64)


@pytest.fixture(scope="module")
def cells():
    """Of 30 genes, 0 moves 1 and 1 moves 2, by four standard deviations; 3 is acted on and moves nothing."""
    rng = np.random.default_rng(31)
    gene = np.repeat([CONTROL, 0, 1, 3, OTHER], [80, 20, 20, 20, 10])
    values = rng.normal(size=(30, len(gene)))
    values[0, gene == 0] -= 4
    values[1, gene == 0] -= 4
    values[2, gene == 0] -= 4
    values[1, gene == 1] -= 4
    values[2, gene == 1] -= 4
    values[:, gene == OTHER] += 50
    return Cells(values, gene)


def edges(*pairs):
    return tuple(np.array(part, np.int64) for part in zip(*pairs, strict=True))


def test_edges_are_scored_as_scipy_scores_their_children(cells):
    source, target = edges((0, 1), (1, 2), (3, 4), (5, 6))  # nobody acted on 5
    found = interventional_scores(cells, {"net": (source, target)})["net"]
    control = cells.values[:, cells.gene == CONTROL]
    pairs = [(cells.values[j, cells.gene == i], control[j]) for i, j in ((0, 1), (1, 2), (3, 4))]
    assert found["edges"] == 3
    assert found["wasserstein"] == pytest.approx(np.mean([wasserstein_distance(x, y) for x, y in pairs]))
    p = [mannwhitneyu(x, y, method="asymptotic").pvalue for x, y in pairs]
    assert found["true_positives"] == np.sum(np.array(p) < 0.05)


def test_pairs_with_a_path_are_not_omitted(cells):
    chain, none = edges((0, 1), (1, 2)), (EMPTY, EMPTY)
    found = interventional_scores(cells, {"chain": chain, "none": none})
    assert found["none"]["omitted"] == 3 * 29  # all pairs of three targets
    assert found["chain"]["omitted"] == 3 * 29 - 3
    changed = [found[name]["false_omission_rate"] * found[name]["omitted"] for name in ("none", "chain")]
    assert changed[0] - changed[1] == pytest.approx(3)  # 0 -> 1, 0 -> 2 by a path, 1 -> 2
    assert np.isnan(found["none"]["wasserstein"])


def test_only_edges_out_of_the_sources_asked_for_count(cells):
    net = edges((0, 1), (1, 2), (3, 4))
    found = interventional_scores(cells, {"net": net}, sources=np.array([1, 9]))["net"]
    assert (found["edges"], found["true_positives"]) == (1, 1)


def test_halves_share_no_cell_and_hold_half_of_every_kind():
    kind = np.random.default_rng(2).permutation(np.repeat([-1, 0, 1, 2], [40, 11, 2, 1]))
    learn, score = halves(kind, np.random.default_rng(3))
    assert sorted([*learn, *score]) == list(range(len(kind)))
    counts = [np.bincount(kind[part] + 1, minlength=4) for part in (learn, score)]
    assert np.abs(counts[0] - counts[1]).max() <= 1
