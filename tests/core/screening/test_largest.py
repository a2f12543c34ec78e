"""The largest entries of every row, against a full sort."""

from __future__ import annotations

import numpy as np
import pytest

from acyclome.core.screening.partial_correlation import largest


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
