"""Model auto: what the data choose, from file and from memory, and what is not compared."""

import json

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.evaluate.simulate import simulate
from acyclome.io.store import MemoryStore
from acyclome.pipeline.model_selection import Judged, compare, connected_genes

D, N = 8, 400
QUICK = {
    "model": "auto",
    "mlp": {"splines": 5, "units": 20},
    "resample": {"resamples": 0},
    "validation": {"checks": False},
    "search": {"perturbations": 0},
}


def lines(noise, seed=3, n=N):
    return simulate(D, n, noise=noise, standardised=True, parent_share=(0.5, 0.8), seed=seed).X


def curves(seed=3, n=N):
    x = np.random.default_rng([87, seed]).standard_normal((n, D))
    for j in range(1, D):
        x[:, j] = np.sin(2 * x[:, (j - 1) // 2]) + 0.5 * x[:, j]
    return x


def together(seed=3, n=N):
    """Causes that act only together, which no sum of curves sees."""
    x = np.random.default_rng([88, seed]).standard_normal((n, D))
    for j in range(2, D):
        x[:, j] = np.tanh(x[:, j - 1] * x[:, j - 2]) + 0.4 * x[:, j]
    return x


@pytest.fixture(scope="module")
def curved():
    """Return the network of curves on one thread."""
    return ac.learn(curves(), seed=2, threads=1, config=QUICK)


def chosen(X, options=None, **given):
    network = ac.learn(X, seed=2, threads=1, config=QUICK | (options or {}), **given)
    return network.facts["model"]


def test_the_model_that_made_the_data_is_chosen(curved):
    assert chosen(lines("gauss"))["name"] == "linear"
    assert chosen(lines("exp", n=600))["name"] == "lingam"
    assert curved.facts["model"]["name"] in ("sobolev", "spline")
    assert chosen(together(n=600))["name"] == "mlp"


def test_tails_of_a_scale_do_not_decide(curved):
    """Curves of logarithms: on the amounts lines whose noise has heavy tails are as probable."""
    network = ac.learn(np.exp(curves()), seed=2, threads=1, config=QUICK)
    assert network.facts["model"]["name"] in ("polynomial", "sobolev", "spline")
    assert network.facts["model"]["logarithms"]
    assert any("--prepare.log true" in warning for warning in network.facts["warnings"])
    assert not curved.facts["model"]["logarithms"]


def test_values_that_return_are_no_noise_to_read():
    X = lines("exp", n=600)
    assert chosen(np.round(X, 3))["name"] == "lingam"
    seen = chosen(np.maximum(X, np.quantile(X, 0.3, axis=0)))
    assert "often the same" in seen["refused"]["lingam"]


def test_counts_choose_their_law_where_size_factors_are_known(bench):
    drawn = simulate(D, N, noise="negative-binomial", parent_share=(0.5, 0.8), seed=4)
    store = MemoryStore(drawn.X.T, drawn.genes, obs_columns=pd.DataFrame({"size": drawn.size}))
    options = Config.from_mapping(QUICK | {"glm": {"size_factors": "size"}})
    found = bench.session(store, options).learn().facts["model"]
    assert (found["name"], found["counts"]) == ("glm", True)
    assert "lingam" in found["refused"]


def test_all_that_was_compared_is_on_record(curved):
    found = curved.facts["model"]
    rows = {row["model"]: row for row in found["compared"]}
    assert list(rows) == ["linear", "lingam", "dag_gnn", "polynomial", "sobolev", "spline", "mlp"]
    assert (found["genes"], found["train"], found["test"]) == (D, 300, 400)  # every quarter was kept back once
    assert min(row["behind"] for row in rows.values()) == 0
    assert rows["linear"]["behind"] > 5 * rows["linear"]["standard_error"]
    assert "no counts" in found["refused"]["glm"]
    assert chosen(curves(), {"model": "spline"}) == {"name": "spline"}


def test_the_simplest_that_is_not_measurably_behind_is_taken():
    rng = np.random.default_rng([87, 1])
    base = rng.standard_normal(100)
    noise = rng.permutation(np.repeat([-1.0, 1.0], 50))
    near, far = base - 0.1 + noise, base - 1.0 + noise  # by .1 and 1, with standard errors of .1
    found = {"far": Judged(3, far, far), "near": Judged(2, near, near), "best": Judged(1, base, base)}
    name, rows = compare(found, n_train=300)
    assert name == "near"
    assert [row["behind"] for row in rows] == pytest.approx([1.0, 0.1, 0.0])
    assert rows[0]["standard_error"] == pytest.approx(noise.std(ddof=1) * np.sqrt(1 / 100 + 1 / 300))


def test_a_simpler_model_with_as_good_a_graph_is_taken_unless_its_functions_are_far_behind():
    base = np.random.default_rng([87, 3]).standard_normal(1000)
    lines = Judged(3, base - 1.0, base - 0.5)

    def name(curves):
        return compare({"lines": lines, "curves": curves, "best": Judged(1, base, base)}, n_train=300)[0]

    assert name(Judged(2, base - 0.3, base)) == "curves"
    assert name(Judged(2, base - 0.4, base)) == "best"
    assert name(Judged(2, base - 0.3, base - 0.1)) == "best"


def test_a_choice_is_that_of_the_chosen_model_for_any_number_of_threads(curved):
    two = ac.learn(curves(), seed=2, threads=2, config=QUICK)
    assert curved.facts["model"] == two.facts["model"]
    named = ac.learn(curves(), seed=2, threads=1, config=QUICK | {"model": curved.facts["model"]["name"]})
    for other in (two, named):
        pd.testing.assert_frame_equal(curved.edges, other.edges)


def test_stages_one_run_and_memory_choose_the_same(tmp_path):
    frame = pd.DataFrame(curves(n=200).astype(np.float32), columns=[f"g{k}" for k in range(D)])
    frame.to_csv(tmp_path / "x.csv", index_label="cell")
    (tmp_path / "options.yaml").write_text(json.dumps(QUICK | {"prepare": {"min_cells": 1}}), encoding="utf-8")
    words = ["--config", str(tmp_path / "options.yaml"), "--threads", "1", "--quiet"]
    assert main(["run", str(tmp_path / "x.csv"), "-o", str(tmp_path / "whole"), *words]) == 0
    assert main(["prepare", str(tmp_path / "x.csv"), "-o", str(tmp_path / "staged"), *words]) == 0
    assert (tmp_path / "staged" / "stages" / "choose.npz").exists()
    for stage in ("screen", "fit", "order", "network"):
        assert main([stage, str(tmp_path / "staged"), "--threads", "2", "--quiet"]) == 0
    whole, staged = (ac.read(tmp_path / name) for name in ("whole", "staged"))
    pd.testing.assert_frame_equal(whole.edges, staged.edges)
    assert whole.facts["model"] == staged.facts["model"]
    assert whole.facts["config"]["model"] == "auto"
    here = ac.learn(frame, threads=1, config=QUICK)
    assert here.facts["model"]["name"] == whole.facts["model"]["name"]
    report = (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")
    assert "Which model" in report
    assert f"{whole.facts['model']['name']}, chosen" in report
    assert "nonlinear structural equation model" in report


def test_what_a_model_does_not_keep_to_takes_it_out_instead_of_being_an_error():
    acted = [*["gene_1"] * 30, *[""] * (N - 30)]
    found = chosen(lines("gauss"), perturbation=acted)
    assert found["name"] == "linear"
    assert set(found["refused"]) == {"glm"}
    rules = pd.DataFrame({"source": ["gene_1"], "target": ["gene_2"], "kind": ["required"]})
    found = chosen(curves(), knowledge=rules)
    assert {"glm"} == set(found["refused"])
    assert chosen(lines("gauss")[:40])["compared"] == []


def test_counts_are_kept_unless_the_options_would_change_them():
    assert Config.from_mapping({"model": "auto"}).counts is not None
    for options in ({"log": True}, {"covariates": ["batch"]}, {"transform": "rank"}):
        assert Config.from_mapping({"model": "auto", "prepare": options}).counts is None
    assert Config.from_mapping({"model": "auto", "glm": {"family": "logistic"}}).counts is None
    assert Config.from_mapping({"model": "auto", "input": {"joint": True}}).counts is None


def test_samples_of_large_networks_hold_genes_that_go_together():
    rng = np.random.default_rng([87, 2])
    hidden = rng.standard_normal((10, 300))
    Z = np.repeat(hidden, 12, axis=0) + 0.3 * rng.standard_normal((120, 300))
    Z /= np.sqrt(np.mean(Z**2, axis=1, keepdims=True))
    found = connected_genes(Z.astype(np.float32), np.ones(120, bool), 40, rng=np.random.default_rng(1))
    assert len(set(found.tolist())) == 40
    assert np.unique(found // 12).size <= 5  # of ten clusters of twelve genes, from four starts of ten
    regulators = np.arange(120) % 12 == 0
    listed = connected_genes(Z.astype(np.float32), regulators, 40, rng=np.random.default_rng(1))
    assert regulators[listed].sum() >= 4


def test_a_plan_names_what_each_model_takes(tmp_path, capsys):
    path = tmp_path / "x.csv"
    pd.DataFrame(curves(n=100), columns=[f"g{k}" for k in range(D)]).to_csv(path, index_label="cell")
    assert main(["plan", str(path), "--model", "auto"]) == 0
    text = capsys.readouterr().out
    assert "choose" in text
    assert "mlp" in text
