"""One set of modules for the tests of the room."""

import numpy as np
import pytest

from acyclome.core.modules.find import Visible, find_modules
from acyclome.evaluate.modules import simulate_modules


@pytest.fixture(scope="session")
def drawn():
    return simulate_modules(200, 400, n_modules=6, degree=1.2, seed=4)


@pytest.fixture(scope="session")
def Z(drawn):
    Z = np.ascontiguousarray(drawn.X.T)
    Z.flags.writeable = False
    return Z


@pytest.fixture(scope="session")
def learned(Z):
    return find_modules(Z, np.ones(len(Z)), 10, visible=Visible.none(len(Z)), seed=0)
