"""Every public docstring has an example, and what it says comes out: on the cells of ``tests/examples.py``."""

from __future__ import annotations

import doctest
import inspect
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from tests.examples import draw, draw_modules

import acyclome as ac
from acyclome.evaluate.factors import Factors
from acyclome.evaluate.kinetics import Hill
from acyclome.evaluate.modules import simulate_modules
from acyclome.evaluate.simulate import simulate
from acyclome.evaluate.umi import Umi
from acyclome.network import JointNetworks
from acyclome.network.modules import ModuleNetwork
from acyclome.pipeline.causalbench import Acyclome

mpl.use("Agg")
ROOMS = {"get": ac.get, "pl": ac.pl, "pp": ac.pp, "tl": ac.tl}
PUBLIC = {
    **{f"{room}.{name}": getattr(module, name) for room, module in ROOMS.items() for name in module.__all__},
    **{name: getattr(ac, name) for name in ac.__all__ if not name.startswith("_") and name not in ROOMS},
    "settings": type(ac.settings),
    "JointNetworks": JointNetworks,  # of ac.learn with joint=True
    **{
        thing.__name__: thing for thing in (Acyclome, simulate, Factors, Hill, Umi, ModuleNetwork, simulate_modules)
    },  # from their modules
}
# What other rooms ask of an object, and users do not.
OF_THE_PACKAGE = ("Config.", "Network.screen", "Factors.", "Hill.", "Umi.")


@pytest.fixture(scope="module")
def cells():
    """The cells with two networks, that of all under ``dag`` and those of both types under ``types``."""
    adata = draw()
    options = {"layer": "counts", "regulators": "human", "n_resamples": 4}
    ac.tl.dag(adata, **options)
    ac.tl.dag(adata, groupby="cell_type", joint=True, key_added="types", **options)
    return adata


@pytest.fixture(scope="module")
def modular():
    adata = draw_modules()
    ac.tl.dag(adata, n_resamples=0)
    ac.tl.modules(adata)
    return adata


def example_of(name, names=None):
    return doctest.DocTestParser().get_doctest(inspect.getdoc(PUBLIC[name]) or "", names or {}, name, None, None)


@pytest.mark.parametrize("name", PUBLIC)
def test_examples_say_what_comes_out(name, cells, modular, tmp_path, monkeypatch):
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    adata = cells.copy()
    X, genes = np.log1p(adata.layers["counts"]), list(adata.var_names)
    names = {
        "ac": ac,
        "pd": pd,
        "adata": adata,
        "X": X,
        "genes": genes,
        "net": ac.get.network(adata),
        "modular": modular,
    }
    names |= {"simulate_modules": simulate_modules, "simulate": simulate, "Factors": Factors, "Hill": Hill, "Umi": Umi}
    said = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example_of(name, names), out=said.append)
    plt.close("all")
    assert not said, "".join(said)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_docstring_has_an_example(name):
    shown = "".join(line.source for line in example_of(name).examples)
    assert shown, "a docstring without an example"
    if inspect.isclass(PUBLIC[name]):
        offered = [
            part for part in vars(PUBLIC[name]) if not f"{name}.{part}".startswith((*OF_THE_PACKAGE, f"{name}._"))
        ]
        fields = set(getattr(PUBLIC[name], "__annotations__", {}))  # described among the parameters
        assert [part for part in offered if part not in fields and not re.search(rf"\.{part}\b", shown)] == []
