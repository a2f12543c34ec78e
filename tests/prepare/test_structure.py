"""Columns behind much of what genes have in common are found and named; others are not."""

import numpy as np
import pandas as pd
import pytest

from acyclome.config import Config
from acyclome.prepare import prepare

PLAIN = {"prepare.normalize": False, "prepare.log": False, "prepare.transform": "none"}


def mixed(rng, *, shift):
    """Return cells of three types, half of whose genes are markers; batch, phase and donor say nothing."""
    from anndata import AnnData

    n, d = 300, 40
    kind = rng.integers(0, 3, n)
    X = rng.normal(size=(n, d)) + 10.0
    X[:, :20] += shift * rng.normal(size=(3, 20))[kind]
    obs = pd.DataFrame(
        {
            "cell/type": pd.Categorical([f"t{k}" for k in kind]),
            "score": kind + 0.1 * rng.normal(size=n),
            "phase": rng.choice(["G1", "S"], n),
            "depth": rng.normal(size=n),
            "barcode": [f"b{k}" for k in range(n)],
            "gaps": [None if k % 2 else "a" for k in range(n)],
            "same": "x",
        },
        index=[f"c{k}" for k in range(n)],
    )
    return AnnData(X.astype(np.float32), obs=obs, var=pd.DataFrame(index=[f"GENE{k}A" for k in range(d)]))


@pytest.mark.parametrize("seed", range(3))
def test_the_column_of_the_cell_type_is_named_and_no_other(seed):
    facts = prepare(mixed(np.random.default_rng(seed), shift=2.0), Config().with_options(PLAIN)).facts
    assert facts["structure"]["column"][0] == "cell/type"
    assert set(facts["structure"]["column"]) <= {"cell/type", "score"}
    assert facts["structure"]["share"][0] > 0.9
    (said,) = [text for text in facts["warnings"] if "in common" in text]
    assert "goes with the column 'cell/type'" in said
    assert "--group-by cell/type" in said
    assert "--covariates cell/type" in said


@pytest.mark.parametrize(
    "options",
    [
        {"prepare.covariates": ["cell/type", "score"]},
        {"input.group_by": "cell/type", "input.group": "t1"},
        {"input.perturbation": "cell/type", "input.control": "t1", "prepare.covariates": ["score"]},
    ],
)
def test_what_is_reckoned_with_is_not_named(options):
    facts = prepare(mixed(np.random.default_rng(0), shift=2.0), Config().with_options(PLAIN | options)).facts
    assert "structure" not in facts


def test_nothing_is_named_where_nothing_stands_behind_the_genes():
    facts = prepare(mixed(np.random.default_rng(1), shift=0.0), Config().with_options(PLAIN)).facts
    assert "structure" not in facts
    assert not [text for text in facts["warnings"] if "in common" in text]
