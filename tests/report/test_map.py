"""The map of the whole network: where genes stand, and how one moves on it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.report import write_report
from acyclome.report.layout import BEYOND, SPRINGS, positions


def two_modules(size: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Edges within two halves of the genes, and two between them."""
    rng = np.random.default_rng(4)
    inside = [rng.integers(0, size, (4 * size, 2)) + size * half for half in (0, 1)]
    pairs = np.vstack([*inside, [[0, size], [1, size + 1]]])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    return pairs[:, 0], pairs[:, 1]


def test_modules_stand_apart_and_genes_without_edges_nowhere():
    source, target = two_modules()
    placed = positions(source, target, 130, seed=0)
    assert np.isnan(placed[120:]).all()
    halves = placed[:60], placed[60:120]
    centres = [half.mean(axis=0) for half in halves]
    reach = max(np.linalg.norm(half - centre, axis=1).mean() for half, centre in zip(halves, centres, strict=True))
    assert np.linalg.norm(centres[0] - centres[1]) > 2 * reach
    assert np.nanmax(np.abs(placed)) <= BEYOND


def test_the_same_edges_give_the_same_places():
    source, target = two_modules(SPRINGS)
    first = positions(source, target, 2 * SPRINGS, seed=0)
    assert np.array_equal(first, positions(source, target, 2 * SPRINGS, seed=0))
    assert not np.array_equal(first, positions(source, target, 2 * SPRINGS, seed=1))


@given(sizes=st.lists(st.integers(2, 12), min_size=1, max_size=20))
def test_pieces_of_the_graph_stand_side_by_side_on_a_square(sizes):
    starts = np.cumsum([0, *sizes])
    pairs = [(a, a + step) for a, size in zip(starts, sizes, strict=False) for step in range(1, size)]  # stars
    placed = positions(*np.array(pairs).T, starts[-1], seed=0)
    assert np.abs(placed).max() <= 1 + 1e-9
    boxes = [(placed[a:b].min(axis=0), placed[a:b].max(axis=0)) for a, b in itertools.pairwise(starts)]
    for (low, high), (other_low, other_high) in itertools.combinations(boxes, 2):
        assert ((high < other_low) | (other_high < low)).any()


@pytest.mark.parametrize("pairs", [[], [(0, 1)], [(0, 1), (2, 3)], [(0, 1), (0, 2), (1, 2)]])
def test_few_edges_have_places_too(pairs):
    source, target = np.array(pairs, dtype=int).reshape(-1, 2).T
    placed = positions(source, target, 5, seed=0)
    joined = sorted({gene for pair in pairs for gene in pair})
    assert np.flatnonzero(np.isfinite(placed).all(axis=1)).tolist() == joined


def test_a_gene_is_found_on_the_map_and_opened_from_it(ask, build_run):
    script = """
      const canvas = find("#map-canvas");
      canvas.setPointerCapture = () => {};
      const box = canvas.getBoundingClientRect();
      const press = (x, y) => ["pointerdown", "pointerup"].forEach((kind) => canvas.dispatchEvent(
        new PointerEvent(kind, { pointerId: 1, clientX: box.left + x, clientY: box.top + y })));
      const key = (name) => canvas.dispatchEvent(new KeyboardEvent("keydown", { key: name }));
      const named = text("#map-note");
      press(2, 2);
      const nothing = text("#map-note");
      key("+");
      press(box.width / 2, box.height / 2);
      const middle = text("#map-note");
      key("ArrowLeft");
      press(box.width / 2 + 60, box.height / 2);
      const moved = text("#map-note");
      key("Enter");
      return { named, nothing, middle, moved, hash: location.hash, painted: canvas.width > 0 };
    """
    found = ask(write_report(build_run(n_edges=60)), script, hash="#map=GENE1")
    assert found["named"].startswith("GENE1: ")
    assert found["nothing"] == ""
    assert found["middle"] == found["moved"] == found["named"]
    assert (found["hash"], found["painted"]) == ("#gene=GENE1", True)
