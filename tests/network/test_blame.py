"""Which gene was hit: the one whose effects fit, from its transcript or its activity, and what is said of the check."""

import numpy as np
import pandas as pd
import pytest

from acyclome.core.effects.identification import learn_weights
from acyclome.errors import InputError
from acyclome.network.blame import blame, blame_statement
from acyclome.network.build import build_network

D = 30
GENES = [f"G{j}" for j in range(D)]


@pytest.fixture(scope="module")
def network():
    """G0, G1 and G2 act on nine others each."""
    source, target = np.repeat(np.arange(3), 9), np.arange(3, D)
    edges = {"source": source, "target": target, "weight": np.full(27, 0.6)}
    nodes = {"order": np.arange(D), "r2": np.where(np.arange(D) < 3, 0.0, 0.36), "noise_scale": np.full(D, 1.0)}
    nodes["noise_scale"][3:] = 0.8
    return build_network(GENES, edges, nodes, ranking=(source, target, np.ones(27)))


def observed(hit, *, own, n=6):
    """Observations before and after ``hit`` lost its effects, and ``own`` of its transcript."""
    rng = np.random.default_rng(hit)
    before, after = (pd.DataFrame(rng.normal(size=(n, D)), columns=GENES) for _ in range(2))
    after.iloc[:, 3 + 9 * hit : 12 + 9 * hit] -= 2.0
    after.iloc[:, hit] -= own
    return before, after


@pytest.mark.parametrize("hit", range(3))
@pytest.mark.parametrize(("acts_on", "own"), [("transcript", 3.0), ("activity", 0.0)])
def test_the_gene_whose_effects_are_seen_is_blamed(network, hit, acts_on, own):
    table = blame(network, *observed(hit, own=own), acts_on=acts_on)
    assert table["gene"][0] == f"G{hit}"
    assert table["probability"].sum() == pytest.approx(1.0)
    assert table["fit"][0] > 0.6
    assert "Not checked" in blame_statement(table)


def test_genes_that_were_not_measured_are_still_candidates(network):
    before, after = observed(1, own=0.0)
    table = blame(network, before.drop(columns="G1"), after.drop(columns="G1"), acts_on="activity")
    assert table["gene"][0] == "G1"
    assert np.isnan(table["change"][0])


def test_without_skill_all_genes_are_as_probable_and_it_says_so(network):
    rng = np.random.default_rng(3)
    features = {name: np.zeros((10, D)) for name in ("own change", "effects")}
    check = learn_weights(features, rng.integers(0, D, 10), np.arange(10) % 5, acts_on="activity")
    told = build_network(
        GENES,
        {"source": network.source, "target": network.target, "weight": network.edges["weight"].to_numpy()},
        {name: network.nodes[name].to_numpy() for name in ("order", "r2", "noise_scale")},
        ranking=(network.source, network.target, np.ones(27)),
        facts={"identification": {"activity": check}},
    )
    table = blame(told, *observed(0, own=0.0), acts_on="activity")
    np.testing.assert_allclose(table["probability"], 1 / D)
    assert blame_statement(table).startswith("No skill: of 10 targets")


def test_what_cannot_be_compared_is_refused(network):
    before, after = observed(0, own=1.0)
    with pytest.raises(InputError, match="0 of the 30 genes of the network"):
        blame(network, before.add_prefix("x"), after, acts_on="transcript")
    with pytest.raises(InputError, match="expected transcript or activity"):
        blame(network, before, after, acts_on="protein")
    after.iloc[0, 0] = np.nan
    with pytest.raises(InputError, match="no numbers"):
        blame(network, before, after, acts_on="transcript")
