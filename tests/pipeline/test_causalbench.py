"""The method called as CausalBench calls one, by a small stand-in for its interface."""

from abc import ABC, abstractmethod
from enum import Enum

import numpy as np
import pytest

from acyclome.errors import InputError
from acyclome.pipeline.causalbench import Acyclome


class TrainingRegime(Enum):
    OBSERVATIONAL = "observational"
    INTERVENTIONAL = "interventional"


class AbstractInferenceModel(ABC):
    @abstractmethod
    def __call__(self, expression_matrix, interventions, gene_names, training_regime, seed=0): ...


AbstractInferenceModel.register(Acyclome)


def drawn():
    """g0 -> g1 and g2 -> g3; g0 and g3 are knocked down, and cells of which nothing is known are far off."""
    rng = np.random.default_rng(0xCB)
    labels = ["non-targeting"] * 300 + ["g0"] * 40 + ["g3"] * 40 + ["excluded"] * 20
    X = rng.normal(size=(400, 6))
    X[300:340, 0] -= 4
    X[:, 1] += X[:, 0]
    X[:, 3] += X[:, 2]
    X[340:380, 3] = -6 + 0.3 * rng.normal(size=40)
    X[380:] = 100 * rng.normal(size=(20, 1))
    return X, labels, [f"g{j}" for j in range(6)]


def test_a_model_of_causalbench_returns_pairs_of_names():
    X, labels, genes = drawn()
    model = Acyclome()
    assert isinstance(model, AbstractInferenceModel)
    found = model(X, labels, genes, TrainingRegime.INTERVENTIONAL, 1)
    assert set(found) == {("g0", "g1"), ("g2", "g3")}
    assert Acyclome(edges=1)(X, labels, genes, TrainingRegime.INTERVENTIONAL, 1) == found[:1]


def test_without_interventions_it_learns_from_the_controls():
    X, labels, genes = drawn()
    found = Acyclome()(X[:300], labels[:300], genes, TrainingRegime.OBSERVATIONAL)
    assert {frozenset(pair) for pair in found} == {frozenset({"g0", "g1"}), frozenset({"g2", "g3"})}


def test_a_label_for_each_cell_is_asked_for():
    X, labels, genes = drawn()
    with pytest.raises(InputError, match="399 labels for 400 cells"):
        Acyclome()(X, labels[1:], genes)
