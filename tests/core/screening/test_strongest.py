"""The largest entries of every row, against a full sort."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.core.screening.strongest import largest, strongest_of_columns, strongest_of_rows


@pytest.mark.parametrize(("keep", "least"), [(1, 0.0), (4, 0.0), (4, 0.9), (12, 0.0)])
def test_they_are_those_of_a_full_sort(keep, least):
    rng = np.random.default_rng([keep, int(10 * least)])
    values, scale = rng.normal(size=(5, 12)), rng.uniform(0.2, 1.0, size=12)
    excluded = rng.random(12) < 0.2
    out = np.empty((5, keep), np.int32)
    largest(values, np.where(excluded, 0.0, scale), 3, keep, least, out)
    size = np.abs(values) * scale
    size[:, excluded] = 0.0
    size[np.arange(5), np.arange(3, 8)] = 0.0
    for row, found in zip(size, out, strict=True):
        expected = [x for x in np.argsort(-row) if row[x] > least][:keep]
        assert list(found) == expected + [-1] * (keep - len(expected))


def test_of_equals_the_first_goes_first():
    out = np.empty((1, 2), np.int32)
    largest(np.ones((1, 4)), np.ones(4), 0, 2, 0.0, out)
    assert out.tolist() == [[1, 2]]


@pytest.mark.parametrize("seed", range(3))
def test_those_found_tile_by_tile_are_those_of_the_whole_in_any_order_of_tiles_and_either_way(seed):
    rng = np.random.default_rng([4, seed])
    rows, p, keep, width = 70, 300, 6, 90
    values = rng.integers(-9, 10, size=(rows, p)).astype(np.float32)  # many equals, and zeros
    scale, whole = rng.choice([0.5, 1.0], p).astype(np.float32), np.empty((rows, keep), np.int32)
    largest(values, scale, -rows, keep, np.float32(0), whole)
    for turned in (False, True):
        strength, found = np.zeros((rows, keep), np.float32), np.full((rows, keep), -1, np.int32)
        for start in rng.permutation(np.arange(0, p, width)):
            part, genes = values[:, start : start + width], np.arange(start, min(start + width, p))
            if turned:
                strongest_of_columns(np.ascontiguousarray(part.T), scale[genes], genes, strength, found)
            else:
                strongest_of_rows(np.ascontiguousarray(part), scale[genes], genes, strength, found)
        np.testing.assert_array_equal(found, whole)


def test_what_is_zero_is_not_found():
    strength, found = np.zeros((2, 3), np.float32), np.full((2, 3), -1, np.int32)
    strongest_of_rows(np.array([[0, 2], [0, 0]], np.float32), np.ones(2, np.float32), np.arange(2), strength, found)
    assert found.tolist() == [[1, -1, -1], [-1, -1, -1]]
