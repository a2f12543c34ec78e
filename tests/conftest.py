"""Fixtures for all tests: the shared data, and a small network that no test may change."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from acyclome.assembly import build_network
from acyclome.network import Network

SHARED_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
TOY_GENES = ("SPI1", "CEBPA", "LYZ", "GATA1", "HBB")

settings.register_profile("acyclome", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("acyclome")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the public data sets used in tests."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared data sets (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def toy_network() -> Network:
    """CEBPA -> SPI1 -> LYZ <- CEBPA and GATA1 -> HBB, in the order GATA1 CEBPA SPI1 HBB LYZ; arrays are read-only."""
    arrays = {
        "source": np.array([1, 0, 1, 3]),
        "target": np.array([0, 2, 2, 4]),
        "weight": np.array([0.5, 0.8, -0.25, 0.1]),
        "order": np.array([3, 1, 0, 4, 2]),
        "ranking_source": np.array([0, 1, 0, 1, 3, 2]),
        "ranking_target": np.array([1, 0, 2, 2, 4, 0]),
        "rank_score": np.array([0.4, 0.5, 0.9, 0.3, 0.8, 0.0]),
        "stability": np.array([0.6, 0.95, 0.55, 0.9]),
        "direction": np.array([0.5, 1.0, 0.75, 0.8]),
        "score": np.array([0.55, 0.9, 0.5, 0.9]),
        "reversal_loss": np.array([0.0, 7.5, 3.0, 0.25]),
        "reversible": np.array([True, False, False, True]),
        "r2": np.array([0.25, 0.5, 0.6, 0.0, 0.01]),
        "noise_scale": np.array([0.9, 1.0, 0.6, 1.0, 0.99]),
        "is_regulator": np.array([True, True, False, True, False]),
    }
    for array in arrays.values():
        array.flags.writeable = False
    return build_network(TOY_GENES, **arrays, facts={"seed": 7, "n": None, "warnings": ["a", {"b": [1.5]}]})
