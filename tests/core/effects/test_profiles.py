"""What treatments did, beside means by hand."""

import numpy as np
import pytest

from acyclome.core.effects.doses import Yardstick
from acyclome.core.effects.profiles import profiles


@pytest.mark.parametrize("threads", [1, 3])
def test_a_profile_is_the_mean_change_in_the_scale_of_each_gene_with_the_error_of_that_mean(threads):
    rng = np.random.default_rng(5)
    Z, kind = rng.normal(size=(300, 12)), np.array([-1, 0, 0, 1, 1, 1, -1, 2, -1, 1, 0, -1])
    by = Yardstick(rng.normal(size=300), rng.uniform(0.5, 2, 300), rng.uniform(0.5, 1, 300), 4)
    found = profiles(lambda a, b: Z[a:b], kind, by, n_kinds=4, threads=threads)
    assert found.observations.tolist() == [3, 4, 1, 0]
    for k in range(3):
        np.testing.assert_allclose(found.change[k], (Z[:, kind == k].mean(axis=1) - by.centre) / by.scale)
        np.testing.assert_allclose(found.error[k] ** 2, by.noise * (1 / found.observations[k] + 1 / 4))
