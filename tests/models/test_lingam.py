"""The model lingam and the option non_gaussian from matrix to tables."""

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import ConfigError
from acyclome.evaluate.simulate import simulate

D, N_OBS = 20, 600
LINGAM, OPTION = {"model": "lingam"}, {"score": {"non_gaussian": True}}


def draw(noise, seed=81):
    return simulate(D, N_OBS, noise=noise, standardised=True, parent_share=(0.3, 0.8), seed=seed)


def learn(drawn, config=None, **options):
    return ac.learn(drawn.X, resamples=0, seed=5, config=config, **options)


@pytest.mark.parametrize("noise", ["exp", "laplace"])
def test_lingam_finds_directions_that_the_linear_model_leaves_open(noise):
    drawn = draw(noise)
    linear, lingam, option = (learn(drawn, config) for config in (None, LINGAM, OPTION))
    right = [right_edges(network, drawn) for network in (linear, lingam, option)]
    assert right[0] < right[2] <= right[1]
    assert right[1] >= 0.97 * len(drawn.source)
    for network in (lingam, option):
        assert network.is_dag
        assert network.edges["reversible"].sum() < 0.3 * linear.edges["reversible"].sum()
        assert (network.edges["noise_evidence"] > 0).mean() > 0.8


def right_edges(network, drawn):
    true = set(zip(drawn.source.tolist(), drawn.target.tolist(), strict=True))
    return len(true & set(zip(network.source.tolist(), network.target.tolist(), strict=True)))


def test_gaussian_noise_leaves_everything_to_the_linear_model():
    drawn = draw("gauss")
    linear, lingam, option = (learn(drawn, config) for config in (None, LINGAM, OPTION))
    assert linear.edges["noise_evidence"].isna().all()
    for network in (lingam, option):
        assert (network.edges["noise_evidence"] == 0).all()
    pd.testing.assert_frame_equal(
        option.edges.drop(columns="noise_evidence"), linear.edges.drop(columns="noise_evidence")
    )
    assert lingam.edges["reversible"].sum() == linear.edges["reversible"].sum()


def test_the_bits_do_not_depend_on_threads():
    drawn = draw("exp")
    one, two = (learn(drawn, LINGAM, threads=threads) for threads in (1, 2))
    pd.testing.assert_frame_equal(one.edges, two.edges)


def test_forbidden_and_required_edges_hold():
    drawn = draw("exp")
    i, j = (f"gene_{end[0] + 1}" for end in (drawn.source, drawn.target))
    rules = pd.DataFrame({"source": [j], "target": [i], "kind": ["required"]})
    for config in (LINGAM, OPTION):
        edges = learn(drawn, config, knowledge=rules).edges
        assert ((edges["source"] == j) & (edges["target"] == i)).any()


def acted_on(seed, n=300, times=40):
    """Draw a chain of lines with skewed noise whose columns are dealt out, and set every gene in turn."""
    rng = np.random.default_rng([82, seed])
    label = np.concatenate([np.full(n, -1), np.repeat(np.arange(4), times)])
    x = rng.exponential(size=(len(label), 4)) - 1.0
    for j in range(4):
        if j:
            x[:, j] += 0.9 * x[:, j - 1]
        x[label == j, j] = 6.0
    place = rng.permutation(4)
    true = {(int(place[k]), int(place[k + 1])) for k in range(3)}
    return x[:, np.argsort(place)], true, ["" if k < 0 else f"gene_{place[k] + 1}" for k in label]


@pytest.mark.parametrize("config", [LINGAM, OPTION])
def test_noise_is_read_where_nothing_was_done_to_the_gene(config):
    for seed in range(4):
        X, true, labels = acted_on(seed)
        network = ac.learn(X, perturbation=labels, resamples=0, threads=1, config=config)
        assert set(zip(network.source.tolist(), network.target.tolist(), strict=True)) == true
        assert network.edges["oriented_by_intervention"].all()
        assert np.isfinite(network.edges[["weight", "noise_evidence", "reversal_loss"]]).all(axis=None)


@pytest.mark.parametrize("config", [LINGAM, OPTION])
def test_ranks_are_refused(config):
    with pytest.raises(ConfigError, match="rank"):
        Config.from_mapping(config | {"prepare": {"transform": "rank"}})


def test_the_option_belongs_to_the_linear_model():
    with pytest.raises(ConfigError, match="non_gaussian"):
        Config.from_mapping({"model": "mlp", "score": {"non_gaussian": True}})
    with pytest.raises(ConfigError, match="equal"):
        Config.from_mapping({"model": "lingam", "score": {"noise": "equal"}})
