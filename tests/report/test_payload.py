"""What the page carries: columns in few bytes, values of genes, pairs ranked next, resamples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.pages import unpacked

from acyclome.io import tables
from acyclome.report import packing, payload, sample
from acyclome.report.source import read_run


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), max_size=30))
def test_packed_numbers_come_back_within_half_a_step(values):
    column = packing.pack(values)
    largest = max((abs(value) for value in values if value == value), default=0.0)
    assert column["per_one"] == pytest.approx(min(10_000, 32767 / max(largest, 1e-9)))
    assert unpacked(column) == pytest.approx(np.array(values, float), abs=0.501 / column["per_one"], nan_ok=True)


def test_what_is_infinite_is_not_known():
    column = packing.pack([np.inf, 0.5, -np.inf])
    assert unpacked(column) == pytest.approx(np.array([np.nan, 0.5, np.nan]), abs=1e-4, nan_ok=True)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=30))
def test_whole_numbers_come_back(values):
    assert unpacked(packing.pack_whole(values)).tolist() == values


def values_of(carried: dict) -> np.ndarray:
    columns = {name: unpacked(column) for name, column in carried["columns"].items()}
    codes = columns["codes"].reshape(-1, carried["shown"]).astype(float)
    low, high = columns["low"][:, None], columns["high"][:, None]
    return np.where(codes == 255, np.nan, low + codes * (high - low) / 254)


def test_values_are_those_of_the_store_in_standard_deviations(build_run, with_values):
    folder = build_run(n_edges=200)
    X = with_values(folder)
    carried = sample.page_values(read_run(folder))
    genes = unpacked(carried["columns"]["gene"])
    expected = (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
    assert (carried["shown"], carried["of"]) == (300, 300)
    step = float(np.ptp(expected, axis=1).max()) / 254
    # The observations are drawn in the order of the store, and here all of them are.
    assert values_of(carried) == pytest.approx(expected[genes], abs=step)


def test_many_observations_are_represented_by_a_random_part_that_fits_the_page(build_run, with_values, monkeypatch):
    monkeypatch.setattr(sample, "BYTES", 4_000)
    folder = build_run(n_edges=200)
    with_values(folder)
    run = read_run(folder)
    carried = sample.page_values(run)
    genes = unpacked(carried["columns"]["gene"])
    assert (carried["shown"], len(genes)) == (200, 20)
    best = run.edges.head(8)
    assert {*best["source"], *best["target"]} <= {run.network.genes[gene] for gene in genes}
    assert carried == sample.page_values(run)


def test_missing_values_stay_missing():
    values = np.array([[0.0, np.nan, 2.0, 4.0], [np.nan] * 4, [1.0] * 4])
    codes, low, high = sample._coded(values[[0, 2]], np.arange(4))
    assert codes.tolist() == [[0, 255, 127, 254], [0, 0, 0, 0]]
    assert (high - low).tolist() == pytest.approx([4 / np.nanstd(values[0]), 0.0], abs=1e-3)


def test_pairs_left_out_are_the_best_ranked_that_no_edge_joins(build_run):
    folder = build_run(n_edges=60)
    run = read_run(folder)
    genes = run.network.genes
    edges = {frozenset(pair) for pair in zip(run.edges["source"], run.edges["target"], strict=True)}
    rest = [(a, b) for a in genes[:5] for b in genes[:9] if a != b and frozenset((a, b)) not in edges]
    ranking = pd.concat([run.network.ranking, pd.DataFrame(rest, columns=["source", "target"]).assign(rank_score=-1.0)])
    tables.write_tsv(folder / "ranking.tsv.gz", ranking)
    run = read_run(folder)
    found = {name: unpacked(column) for name, column in payload._next_ranked(run).items()}
    for target in range(len(genes)):
        part = slice(found["start"][target], found["start"][target + 1])
        expected = [k for k, (a, b) in enumerate(rest) if b == genes[target]][: payload.NEXT]
        assert found["source"][part].tolist() == [genes.index(rest[k][0]) for k in expected]
        assert found["rank"][part].tolist() == [len(run.network.ranking) - len(rest) + k + 1 for k in expected]


def test_resamples_are_carried_whole_or_not_at_all(build_run, monkeypatch):
    folder = build_run()
    members = pd.DataFrame({"member": [1, 0, 0], "source": [0, 3, 2], "target": [0, 4, 3], "weight": [0.0, 0.5, -0.25]})
    tables.write_parquet(folder / "members.parquet", members, "members")
    carried = payload.page_data(read_run(folder))["members"]
    assert {name: unpacked(column).tolist() for name, column in carried.items()} == {
        "member": [0, 0, 1],
        "source": [2, 3, 0],
        "target": [3, 4, 0],
        "weight": pytest.approx([-0.25, 0.5, 0.0]),
    }
    monkeypatch.setattr(payload, "EMBEDDED_MEMBERS", 2)
    assert payload.page_data(read_run(folder))["members"] is None


@pytest.mark.parametrize("kept", [0, 100, 2_000])
def test_a_damaged_store_leaves_a_page_without_values(build_run, with_values, kept):
    folder = build_run()
    with_values(folder)
    store = folder / "stages" / "prepared.h5"
    store.write_bytes(store.read_bytes()[:kept])
    assert payload.page_data(read_run(folder))["values"] is None


def test_values_of_other_genes_are_not_taken_for_those_of_the_network(build_run, with_values):
    folder = build_run()
    with_values(folder)
    build_run([f"OTHER{k}" for k in range(40)])
    assert payload.page_data(read_run(folder))["values"] is None
