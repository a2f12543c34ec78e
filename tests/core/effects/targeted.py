"""Few genes that depend on one another, some of which are targets in some observations."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from acyclome.core.data.interventions import Interventions

D, N = 6, 140  # genes, of which the last is never a target, and observations


@st.composite
def problems(draw):
    """Draw observations ``(N, D)`` and what was done in them, to all of them or to the first alone."""
    rng = np.random.default_rng([97, draw(st.integers(0, 10_000))])
    X = rng.standard_normal((N, D)) @ rng.standard_normal((D, D)) + rng.standard_normal(D)
    gene, row = rng.integers(0, D - 1, 30), rng.choice(draw(st.sampled_from([60, N])), 30)
    X[row, gene] += 1.0
    return X, Interventions.from_pairs(gene, row, n_genes=D, n_obs=N)
