"""Models of curves from file to folder: the same files, the same bits, resamples and shards among it."""

import json

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.cli import main
from acyclome.config import Config
from acyclome.errors import ConfigError
from acyclome.pipeline.resources import estimate

QUICK = {"model": "mlp", "mlp": {"splines": 4, "units": 20}, "search": {"shortlist": 4, "perturbations": 0}}


def draw(d=20, n=150):
    rng = np.random.default_rng([77, 1])
    x = rng.standard_normal((n, d))
    for j in range(1, d):
        x[:, j] = np.sin(2 * x[:, (j - 1) // 2]) + 0.5 * x[:, j]
    return x


def test_the_command_writes_the_same_files_for_any_number_of_threads(tmp_path):
    frame = pd.DataFrame(draw(), columns=[f"g{k}" for k in range(20)])
    frame.to_csv(tmp_path / "x.csv", index_label="cell")
    (tmp_path / "options.yaml").write_text(json.dumps(QUICK), encoding="utf-8")
    tables = []
    for threads in ("1", "2"):
        out = tmp_path / f"out{threads}"
        command = [
            "run",
            str(tmp_path / "x.csv"),
            "-o",
            str(out),
            "--config",
            str(tmp_path / "options.yaml"),
            "--model",
            "mlp",
            "--resamples",
            "2",
            "--threads",
            threads,
            "--quiet",
        ]
        assert main(command) == 0
        tables.append(pd.read_csv(out / "edges.tsv.gz", sep="\t"))
        assert {"edges.tsv.gz", "ranking.tsv.gz", "nodes.tsv", "run.json", "report.html"} <= {
            path.name for path in out.iterdir()
        }
        report = (out / "report.html").read_text(encoding="utf-8")
        assert "nonlinear structural equation model" in report
        assert "The search started from the empty graph." in report
        assert json.loads((out / "run.json").read_text(encoding="utf-8"))["config"]["model"] == "mlp"
    pd.testing.assert_frame_equal(*tables)
    assert len(tables[0]) > 5
    assert tables[0]["stability"].notna().all()


def test_scores_are_probabilities_and_directions_are_mostly_settled():
    network = ac.learn(draw(), resamples=0, config=QUICK)
    assert network.edges["score"].between(0, 1).all()
    assert network.edges["reversible"].mean() < 0.3


@pytest.mark.parametrize("of", ["causes", "index", "indices"])
@pytest.mark.parametrize("model", ["polynomial", "sobolev", "spline"])
def test_curves_take_the_same_road(model, of):
    options = {"model": model, "curves": {"of": of}, "search": {"perturbations": 0}}
    network = ac.learn(draw(8), resamples=1, config=options)
    assert network.is_dag
    assert len(network.edges) >= 5
    assert network.edges["stability"].notna().all()


@pytest.mark.parametrize(("model", "form"), [("polynomial", "spectral"), ("sobolev", "expm"), ("spline", "series")])
def test_the_relaxation_of_curves_guides_the_climb_with_any_form_of_h(tmp_path, model, form):
    pd.DataFrame(draw(8)).to_csv(tmp_path / "x.csv", index_label="cell")
    out = tmp_path / "out"
    assert (
        main(
            [
                "run",
                str(tmp_path / "x.csv"),
                "-o",
                str(out),
                "--model",
                model,
                "--fit.relax",
                "true",
                "--fit.acyclicity",
                form,
                "--resamples",
                "0",
                "--search.perturbations",
                "0",
                "--threads",
                "1",
                "--quiet",
            ]
        )
        == 0
    )
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert run["fit"]["relax"]
    assert len(run["fit"]["convergence"]) == len(Config().fit.mu)
    assert len(pd.read_csv(out / "edges.tsv.gz", sep="\t")) >= 5
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "NOTEARS problem for sums of curves" in report
    assert "The search started from the empty graph." not in report


@pytest.mark.parametrize("model", ["lingam", "glm"])
def test_a_relaxation_that_a_model_has_not_is_refused(model):
    with pytest.raises(ConfigError, match=f"{model} does not go with fit.relax true, since least squares"):
        Config.from_mapping({"model": model, "fit": {"relax": True}})


def test_shards_and_resamples_take_the_model_along():
    network = ac.learn(draw(), resamples=2, config=QUICK | {"shard": {"shards": 2}})
    assert network.is_dag
    assert network.edges["stability"].notna().all()


def test_the_estimate_knows_what_the_model_takes():
    linear, curved = (
        estimate(2000, 1000, Config.from_mapping({"model": model}), threads=2) for model in ("linear", "mlp")
    )
    assert curved["memory_bytes"] > linear["memory_bytes"] + 4 * 8 * 2000 * 1000
    assert curved["total_seconds"] > 10 * linear["total_seconds"]


def test_the_estimate_counts_the_products_of_terms_that_a_relaxation_holds():
    climbed, guided = (
        estimate(2000, 1000, Config.from_mapping({"model": "spline", "fit": {"relax": relax}}), threads=2)
        for relax in ("auto", True)
    )
    assert guided["memory_bytes"] - climbed["memory_bytes"] == pytest.approx(4 * 2000 * (58 * 8) ** 2, rel=1e-6)
    assert guided["seconds"]["fit"] > 10 > climbed["seconds"]["fit"]


def test_equal_noise_is_refused():
    with pytest.raises(ConfigError, match="equal"):
        Config.from_mapping({"model": "mlp", "score": {"noise": "equal"}})
