"""The command simulate: its parts reach the simulator, and what does not go together is refused."""

import anndata
import numpy as np
import pandas as pd
import pytest

from acyclome.evaluate.factors import Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.umi import DispersedUmi

SMALL = ["--genes", 30, "--observations", 40, "--graph", "hub", "--seed", 5]


def test_every_part_reaches_the_simulator(tmp_path, acyclome):
    path = tmp_path / "data.h5ad"
    kinetics = ["--mechanism", "hill", "--activity-noise", 0.5, "--cooperativity", 3, "--kinetic-noise", "additive"]
    factors = ["--factors", 2, "--factor-share", 0.4, "--factor-coverage", 0.6, "--factor-kind", "batch"]
    counts = ["--counts", "negative-binomial", "--depth", 0.1, 3, "--count-spread", 0.2, 0.4, "--dispersion", 0.2, 0.3]
    counts += ["--size-spread", 0.1, "--dominant", 0.3, "--normalize"]
    code, _, error = acyclome("simulate", "-o", path, *SMALL, *kinetics, *factors, *counts)
    assert (code, error) == (0, "")
    found = anndata.read_h5ad(path)
    umi = DispersedUmi((0.1, 3.0), (0.2, 0.4), 0.1, 0.3, is_normalized=True, dispersion=(0.2, 0.3))
    hill = Hill(activity_noise=0.5, cooperativity=3.0, noise="additive")
    given = simulate(
        30, 40, graph="hub", mechanism=hill, factors=Factors(2, 0.4, 0.6, "batch"), observation=umi, seed=5
    )
    np.testing.assert_array_equal(found.X, given.X.astype(np.float32))
    np.testing.assert_array_equal(found.layers["latent"], given.latent.astype(np.float32))
    np.testing.assert_array_equal(found.layers["counts"], given.counts)
    np.testing.assert_array_equal(found.obs["size_factor"], given.size)
    np.testing.assert_array_equal(found.obsm["factors"], given.factor_scores)
    np.testing.assert_array_equal(found.varm["loadings"], given.loadings)


def test_a_plain_simulation_writes_the_data_alone(tmp_path, acyclome):
    code, *_ = acyclome("simulate", "-o", tmp_path / "data.h5ad", *SMALL)
    found = anndata.read_h5ad(tmp_path / "data.h5ad")
    assert code == 0
    assert not [*(set(found.layers) - {None}), *found.obsm, *found.varm, *found.obs]  # anndata 0.13: X is layer None


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--depth", 0.1, 3], "--depth goes with --counts poisson or negative-binomial"),
        (["--counts", "poisson", "--dispersion", 0.1, 0.3], "--dispersion goes with --counts negative-binomial"),
        (["--cooperativity", 2], "--cooperativity goes with --mechanism hill"),
        (["--factor-share", 0.5], "--factor-share goes with --factors N"),
        (["--factors", 2, "--factor-kind", "mood"], "state, batch, depth"),
        (["--mechanism", "boolean"], "linear, hill"),
        (["--counts", "binomial"], "poisson, negative-binomial"),
        (["--counts", "poisson", "--measurement-noise", 0.3], "measurement_noise"),
        (["--noise", "negative-binomial", "--factors", 2], "--counts"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(typed, words, tmp_path, acyclome):
    code, _, error = acyclome("simulate", "-o", tmp_path / "data.h5ad", *SMALL, *typed)
    assert code == 2
    assert words in " ".join(error.split())
    assert list(tmp_path.iterdir()) == []


def test_an_atlas_is_written_with_its_network(tmp_path, acyclome):
    code, _, error = acyclome("simulate", "--atlas", "-o", tmp_path / "a.h5ad", "--genes", 80, "--observations", 40)
    assert (code, error) == (0, "")
    assert anndata.read_h5ad(tmp_path / "a.h5ad").X.nnz > 0
    listed = (tmp_path / "a.regulators.txt").read_text().split()
    assert set(listed) >= set(pd.read_csv(tmp_path / "a.truth.tsv", sep="\t")["source"])


@pytest.mark.parametrize(
    ("typed", "words"),
    [(["--noise", "exp"], "--noise"), (["--filled", 2], "filled"), (["--observations", 1], "observations")],
)
def test_what_an_atlas_does_not_have_is_refused(typed, words, tmp_path, acyclome):
    code, _, error = acyclome("simulate", "--atlas", "-o", tmp_path / "a.h5ad", "--genes", 80, *typed)
    assert code == 2
    assert words in error
    assert not list(tmp_path.iterdir())
