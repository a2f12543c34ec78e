"""Two groups compared: what differs, in which direction, and how often by chance."""

import numpy as np
import pandas as pd
import pytest

from acyclome.errors import InputError
from acyclome.network import JointNetworks
from acyclome.network.joint import false_discovery


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(1).random(50) ** 3
    np.testing.assert_allclose(false_discovery(p, 50), false_discovery_control(p))
    np.testing.assert_allclose(false_discovery(p, 500), false_discovery_control(np.append(p, np.ones(450)))[:50])
    assert len(false_discovery(np.empty(0), 10)) == 0


@pytest.fixture
def joint(toy_network):
    table = pd.DataFrame(
        {
            "source": ["CEBPA", "SPI1", "GATA1"],
            "target": ["SPI1", "LYZ", "LYZ"],
            "shared": [True, True, False],
            **{f"weight_{label}": values for label, values in (("A", [0.5, 0.8, 0.5]), ("T/NK", [0.5, 0.2, 0.1]))},
            **{f"error_{label}": [0.1, 0.06, 0.3] for label in ("A", "T/NK")},
            "weight_C": 0.0,
            "error_C": 0.1,
        }
    )
    return JointNetworks({"A": toy_network, "T/NK": toy_network}, toy_network, table)


def test_the_edge_that_differs_comes_first_with_its_direction(joint):
    found = joint.compare("A", "T/NK")
    assert found[["source", "target"]].to_numpy().tolist()[0] == ["SPI1", "LYZ"]
    assert found["difference"].tolist()[:1] == pytest.approx([0.6])
    assert found["z"][0] == pytest.approx(0.6 / np.hypot(0.06, 0.06))
    assert found["q"][0] < 1e-9
    # Edges of one group alone were chosen among all pairs that the order allows.
    alone = found[~found["shared"]].iloc[0]
    assert alone["q"] == pytest.approx(min(1.0, alone["p"] * (7 - 4)))
    turned = joint.compare("T/NK", "A")
    assert turned["z"].tolist() == [-z for z in found["z"]]
    assert list(found)[:4] == ["source", "target", "shared", "weight_A"]


def test_labels_that_are_no_two_groups_are_refused(joint):
    with pytest.raises(InputError, match="No group of these networks is called 'B'; their labels are A, T/NK, C"):
        joint.compare("A", "B")
    with pytest.raises(InputError, match="given twice"):
        joint.compare("A", "A")
