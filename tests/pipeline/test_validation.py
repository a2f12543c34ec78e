"""What a run asks of its own data: that the checks say what they should, whatever the data are like."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from acyclome.config import Config
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore, Store
from acyclome.knowledge.edges import make_prior
from acyclome.knowledge.tables import read_prior
from acyclome.pipeline import validation
from acyclome.pipeline.commands import Runtime, run
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.task import Task

CONFIG = Config.from_mapping({"resample": {"resamples": 0}})
DRAWN = simulate(40, 500, graph="er", degree=2.0, parent_share=(0.3, 0.8), standardised=True, seed=3)
GENES = [f"G{k}" for k in range(40)]
TRUTH = SimpleNamespace(source=DRAWN.source, target=DRAWN.target)


def facts_of(data, config=CONFIG, threads=1, ordered=TRUTH):
    return validation.validate(Task.begin(data, config, Runtime(threads=threads)), ordered).facts


def data_of(X=DRAWN.X, **more):
    store = MemoryStore(X.T.astype(np.float32), GENES[: X.shape[1]])
    return replace(Dataset.build(store, CONFIG), **more)


def test_edges_of_real_dependence_gain_and_permuted_genes_have_none():
    facts = facts_of(data_of())
    rows = {row["network"]: row for row in facts["rivals"]["networks"]}
    assert rows["this method"]["gain"] > max(rows["strongest correlations"]["gain"], rows["no edge"]["gain"])
    assert facts["permuted"]["false_edges"] <= 1
    assert "known" not in facts


def test_threads_change_no_figure_and_another_seed_does():
    one, two = (facts_of(data_of(), threads=t) for t in (1, 2))
    np.testing.assert_equal(one, two)
    other = facts_of(data_of(), CONFIG.with_options({"seed": 5}))
    assert other["rivals"]["networks"][0]["gain"] != one["rivals"]["networks"][0]["gain"]


def test_large_data_are_sampled(monkeypatch):
    monkeypatch.setattr(validation, "CHECKED_GENES", 15)
    monkeypatch.setattr(validation, "CHECKED_OBSERVATIONS", 200)
    facts = facts_of(data_of())
    assert (facts["rivals"]["genes"], facts["rivals"]["observations"]) == (15, 200)
    assert facts["permuted"]["false_edges"] == pytest.approx(facts["permuted"]["edges"] * 40 / 15)


def test_known_edges_are_counted():
    known = pd.DataFrame({"source": [f"G{s}" for s in DRAWN.source], "target": [f"G{t}" for t in DRAWN.target]})
    turned = pd.DataFrame({"source": ["G0"], "target": ["G1"], "kind": ["forbidden"]})
    prior = make_prior(read_prior(pd.concat([known, turned]).fillna("known")), GENES)
    found = facts_of(data_of(prior=prior))["known"]
    assert found["found"] == found["known"] == len(DRAWN.source)
    assert found["turned"] == 0
    assert found["found_by_chance"] < found["found"] / 2


def test_counts_are_judged_by_their_logarithms_and_permuted_without_their_size():
    rng = np.random.default_rng(4)
    size = rng.uniform(0.3, 3.0, 400)
    rate = np.exp(0.5 * DRAWN.X[:400, :12]) * size[:, None] * 20
    config = CONFIG.with_options({"model": "glm", "glm.family": "negative_binomial"})
    data = replace(data_of(rng.poisson(rate)), size=size)
    edges = SimpleNamespace(source=np.array([0]), target=np.array([1]))
    facts = facts_of(data, config, ordered=edges)
    rows = {row["network"]: row for row in facts["rivals"]["networks"]}
    assert 0 < rows["this method"]["gain"] < 50
    assert facts["permuted"]["edges"] < rows["this method"]["edges"]


@pytest.mark.parametrize("n", [5, 29])
def test_too_few_observations_are_said(n):
    facts = facts_of(data_of(DRAWN.X[:n]))
    assert "too few" in facts["why_not"]


@pytest.mark.parametrize("checks", [True, False])
def test_a_run_carries_the_checks_into_its_report(tmp_path, checks):
    pd.DataFrame(DRAWN.X[:, :12], columns=GENES[:12]).to_csv(tmp_path / "x.tsv", sep="\t")
    config = CONFIG.with_options({"validation.checks": checks, "prepare.transform": "none"})
    run(tmp_path / "x.tsv", tmp_path / "out", config, Runtime())
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert ("rivals" in facts["validation"], "validation" in facts["stages"]) == (checks, checks)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert ("The checks were switched off" in page) is not checks


def panel(path, seed=0, d=20, n=2000):
    """Write counts of independent genes."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(rng.uniform(5, 50, d), (n, d))
    pd.DataFrame(X, columns=[f"G{k}A" for k in range(d)], index=[f"c{k}" for k in range(n)]).to_csv(path, sep="\t")
    return path


@pytest.mark.parametrize("more", [{}, {"model": "glm"}, {"prepare.normalize": True}])
def test_what_preparation_makes_is_seen_and_said(tmp_path, more):
    run(panel(tmp_path / "x.tsv"), tmp_path / "out", CONFIG.with_options(more), Runtime())
    record = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    found, said = record["validation"]["permuted"], [text for text in record["warnings"] if "permuted" in text]
    is_bound = "prepare.normalize" in more  # totals of twenty genes join them
    assert found["of_counts"]
    assert (found["false_edges"] > 10) == (record["network"]["n_edges"] > 10) == is_bound
    assert bool(said) == is_bound
    assert "counts permuted among" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_permuted_counts_are_kept_and_go_with_their_preparation(tmp_path):
    path, out = panel(tmp_path / "x.tsv"), tmp_path / "out"
    kept = out / "stages" / "permuted.h5"
    run(path, out, CONFIG, Runtime())
    made = kept.stat().st_mtime_ns
    run(path, out, CONFIG, Runtime(resume=True))
    assert kept.stat().st_mtime_ns == made
    run(path, out, CONFIG.with_options({"validation.checks": False, "seed": 4}), Runtime())
    with Store.open(kept) as store:
        assert store.genes == []


def test_other_regulators_have_other_counts_permuted(tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "CHECKED_GENES", 6)
    path, out, again = panel(tmp_path / "x.tsv"), tmp_path / "out", tmp_path / "again"
    lists = [tmp_path / "few.txt", tmp_path / "others.txt"]
    for file, names in zip(lists, ("G1A\nG2A\n", "G7A\nG8A\n"), strict=True):
        file.write_text(names, encoding="utf-8")
    first, second = (CONFIG.with_options({"knowledge.regulators": str(file)}) for file in lists)
    run(path, out, first, Runtime())
    run(path, out, second, Runtime(resume=True))
    run(path, again, second, Runtime())
    genes = []
    for folder in (out, again):
        with Store.open(folder / "stages" / "permuted.h5") as store:
            genes.append(store.genes)
    assert genes[0] == genes[1]
    assert {"G7A", "G8A"} <= set(genes[0])
    records = [json.loads((folder / "run.json").read_text("utf-8"))["validation"] for folder in (out, again)]
    assert records[0] == records[1]


def test_regulators_alone_are_causes_among_permuted_counts(tmp_path):
    (tmp_path / "tfs.txt").write_text("G1A\nG2A\n", encoding="utf-8")
    options = CONFIG.with_options({"knowledge.regulators": str(tmp_path / "tfs.txt"), "prepare.normalize": True})
    run(panel(tmp_path / "x.tsv"), tmp_path / "out", options, Runtime())
    found = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["validation"]["permuted"]
    assert 0 < found["edges"] <= 2 * 19
