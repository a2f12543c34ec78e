"""Other programs: whether they are here, and what they are given and give."""

import sys

import numpy as np
import pytest

from acyclome.evaluate.peers import PEERS, Peer, gies, has_gies


def test_what_is_installed_is_seen_without_importing_it():
    before = set(sys.modules)
    assert Peer("xml.dom.pulldom", "", np.zeros).is_installed
    assert not Peer("nowhere.at.all", "", np.zeros).is_installed
    assert not Peer("json.nothing", "", np.zeros).is_installed
    assert "xml.dom.pulldom" not in set(sys.modules) - before


def test_edges_are_the_weights_that_are_not_zero_and_the_data_stay_as_they_are(capsys):
    X = np.arange(12, dtype=np.float32).reshape(4, 3)
    X.flags.writeable = False

    def fit(given):
        assert given.dtype == np.float64
        given[:] = 0.0
        sys.stderr.write("a bar")
        return np.array([[0.0, 0.0, -0.5], [0.0, 0.0, 0.0], [0.0, 2.0, 0.0]])

    source, target = Peer("json", "", fit).edges(X)
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == [(0, 2), (2, 1)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_that_is_installed_finds_a_chain_of_strong_edges(name):
    peer = PEERS[name]
    if not peer.is_installed:
        pytest.skip(f"{name} is not installed; it is in no extra that tests need")
    rng = np.random.default_rng(83)
    X = rng.standard_normal((1000, 3))
    X[:, 1] += 1.5 * X[:, 0]
    X[:, 2] += 1.5 * X[:, 1]
    assert set(zip(*(end.tolist() for end in peer.edges(X)), strict=True)) == {(0, 1), (1, 2)}


def test_gies_directs_by_interventions_what_observations_cannot():
    if not has_gies(2):
        pytest.skip("gies is not installed; it is in no extra that tests need")
    rng = np.random.default_rng(84)
    acted_on = np.repeat([-1, 0, 1], 200)
    X = rng.standard_normal((600, 2))
    X[acted_on == 0, 0] = 0.3 * rng.standard_normal(200) + 2.0
    X[:, 1] += 1.5 * X[:, 0]
    X[acted_on == 1, 1] = 0.3 * rng.standard_normal(200)
    assert [end.tolist() for end in gies(X, acted_on)] == [[0], [1]]
    assert [end.tolist() for end in gies(X[:200], acted_on[:200])] == [[0, 1], [1, 0]]  # one class


def test_gies_is_not_asked_of_many_genes():
    assert not has_gies(1000)
