"""Every model learns from interventions: directions that shapes leave open, from nothing but labels."""

import numpy as np
import pytest
from family_cases import CASES, LINEAR

import acyclome as ac
from acyclome.models.card import Ability

D, N, TIMES = 4, 240, 40
able = [case for case in [*CASES, *LINEAR] if Ability.INTERVENTIONS in case.card.abilities and "," not in case.name]


def acted_on(seed, *, counts):
    """Draw a chain of lines, of which Gaussian data leave every direction open, and set every gene in turn."""
    rng = np.random.default_rng([98, seed])
    label = np.concatenate([np.full(N, -1), np.repeat(np.arange(D), TIMES)])
    x = rng.standard_normal((len(label), D))
    for j in range(1, D):
        x[:, j] = 0.7 * x[:, j - 1] + 0.7 * x[:, j]
        x[label == j - 1, j - 1] = -2.5  # too late for what has been drawn of it, so once more
        at = label == j - 1
        x[at, j] = 0.7 * -2.5 + 0.7 * rng.standard_normal(at.sum())
    x[label == D - 1, D - 1] = -2.5
    x = rng.poisson(np.exp(1.5 + 0.6 * x)).astype(float) if counts else x
    place = rng.permutation(D)
    return x[:, np.argsort(place)], place, ["" if k < 0 else f"gene_{place[k] + 1}" for k in label]


def options_of(case, **options):
    """Return the options of a model; the total of four genes is no measure of a cell."""
    sizes = {"glm": {"size_factors": "none"}} if case.card.name == "glm" else {}
    return {"model": case.card.name, "gran_dag": {"steps": 5}, **sizes, **options}


@pytest.mark.parametrize("case", able, ids=str)
def test_labels_settle_the_directions_of_a_chain(case):
    right, oriented = 0, 0
    for seed in range(3):
        X, place, labels = acted_on(seed, counts=case.card.name == "glm")
        network = ac.learn(
            X,
            perturbation=labels,
            resamples=0,
            threads=1,
            config=options_of(case),
        )
        edges = network.edges
        assert np.isfinite(edges["weight"]).all()
        found = set(zip(edges["source"], edges["target"], strict=True))
        true = {(f"gene_{place[k] + 1}", f"gene_{place[k + 1] + 1}") for k in range(D - 1)}
        right += len(found & true)
        oriented += int(edges["oriented_by_intervention"].sum())
        assert not {(j, i) for i, j in true} & found
    assert right >= 8
    assert oriented >= 6


@pytest.mark.parametrize("case", able, ids=str)
def test_resamples_shards_and_prediction_go_with_interventions(case):
    X, place, labels = acted_on(7, counts=case.card.name == "glm")
    options = options_of(case, shard={"shards": 2}, search={"perturbations": 0})
    network = ac.learn(X, perturbation=labels, resamples=2, threads=1, config=options)
    assert network.is_dag
    first = f"gene_{place[0] + 1}"
    assert len(network.predict(set={first: -2.0}))
