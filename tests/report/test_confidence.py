"""The stability curve and its bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from acyclome.report import confidence
from acyclome.report.source import read_run


def test_counts_are_those_of_the_table(build_run):
    folder = build_run()
    stability = pd.read_csv(folder / "edges.tsv.gz", sep="\t")["stability"].to_numpy()
    curve = confidence.stability_curve(read_run(folder))
    assert [level.edges for level in curve] == [int((np.round(stability * 20) >= k).sum()) for k in range(21)]
    assert curve[0].edges == 120


def test_the_bound_is_that_of_stability_selection(build_run):
    run = read_run(
        build_run([f"G{k}" for k in range(100)], 60, change=lambda facts: facts["resample"].update(mean_edges=50.0))
    )
    pairs = 100 * 99 / 2
    assert confidence.expected_false(run, 0.9) == pytest.approx(50**2 / (0.8 * pairs))
    assert confidence.expected_false(run, 0.5) is None


def test_no_bound_for_large_subsamples(build_run):
    run = read_run(build_run(change=lambda facts: facts["config"]["resample"].update(fraction=0.8)))
    assert confidence.expected_false(run, 0.9) is None


def test_the_bound_never_exceeds_the_edges_it_is_about(build_run):
    run = read_run(build_run(change=lambda facts: facts["resample"].update(mean_edges=700.0)))
    for level in confidence.stability_curve(run):
        assert level.expected_false is None or level.expected_false <= level.edges


def test_a_regulator_list_leaves_fewer_pairs(build_run):
    folder = build_run()
    nodes = pd.read_csv(folder / "nodes.tsv", sep="\t")
    nodes["is_regulator"] = np.where(np.arange(40) < 4, "true", "false")
    nodes.to_csv(folder / "nodes.tsv", sep="\t", index=False)
    assert confidence.possible_pairs(read_run(folder)) == 4 * 36 + 6
