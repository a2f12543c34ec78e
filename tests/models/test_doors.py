"""Every model by every door: over files, taken up again, in memory, on an object of scanpy; one network, to the bit."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from family_cases import CASES, CONSTANT, LINEAR

import acyclome as ac
from acyclome.cli import main

N, GENES = 160, [f"g{k}" for k in range(CONSTANT)]
RESULTS = ("edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv")


@pytest.fixture(scope="module", params=[*CASES, *LINEAR], ids=str)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def options(case):
    section = {} if case.card.section is None else {case.card.section[0]: dict(case.options)}
    small = {"search": {"shortlist": 4, "perturbations": 1}, "resample": {"resamples": 2}}
    return {"model": case.card.name, "prepare": {"min_cells": 1, "transform": "none"}} | small | section


@pytest.fixture(scope="module")
def table(case):
    X = case.draw(np.random.default_rng([96, 1]), N).astype(np.float32)  # as files of stages hold them
    return pd.DataFrame(X[:, :CONSTANT], [f"c{k}" for k in range(N)], GENES)


@pytest.fixture(scope="module")
def begin(table, options, tmp_path_factory):
    """Start the command ``run`` on the table of a model."""
    folder = tmp_path_factory.mktemp("door")
    table.to_csv(folder / "x.csv", index_label="cell")
    (folder / "options.yaml").write_text(json.dumps(options), encoding="utf-8")

    def command(out, *words):
        given = ["run", folder / "x.csv", "-o", out, "--config", folder / "options.yaml", "--quiet", *words]
        assert main([*map(str, given)]) == 0

    return command


@pytest.fixture(scope="module")
def finished(begin, tmp_path_factory):
    """Return the folder of an undisturbed run on two threads."""
    out = tmp_path_factory.mktemp("run") / "out"
    begin(out, "--threads", 2)
    return out


def test_in_memory_and_on_an_object_on_one_thread_it_is_the_network_of_the_run(finished, table, options):
    written = ac.read(finished)
    here, there = ac.learn(table, threads=1, config=options), AnnData(table)
    ac.tl.dag(there, layer="X", threads=1, config=options)
    assert len(written.edges) > 2
    for name in ("edges", "ranking", "nodes"):
        pd.testing.assert_frame_equal(getattr(here, name), getattr(written, name), check_exact=True)
    for name in ("edges", "ranking"):
        frame = getattr(ac.get.network(there), name)
        pd.testing.assert_frame_equal(frame, getattr(written, name), check_exact=True)


def test_taken_up_on_one_thread_where_it_was_lost_it_has_the_same_bytes(finished, begin, tmp_path):
    out = shutil.copytree(finished, tmp_path / "out")
    for name in (*RESULTS, "stages/order.npz", "stages/resample-1-of-1.npz"):
        (out / name).unlink()
    begin(out, "--threads", 1, "--resume")
    for name in RESULTS:
        assert (out / name).read_bytes() == (finished / name).read_bytes()
