"""The method beside simpler ones, learned from half of the cells and scored by the other half."""

import json

import numpy as np
import pandas as pd
import pytest

from acyclome.cli import main
from acyclome.config import Config
from acyclome.core.backend import ThreadBackend
from acyclome.evaluate.peers import has_gies
from acyclome.io.store import MemoryStore
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.interventional import SEEN, UNSEEN, compare

GENES = [f"G{j}" for j in range(24)]
CONFIG = Config().with_options(
    {"input.perturbation": "guide", "input.control": "NT", "prepare.transform": "none", "resample.resamples": 0}
)


def drawn(seed=5):
    """G0 -> G1, G2 -> G3, ..., and eight of the causes are knocked down in 30 cells each."""
    rng = np.random.default_rng([0x1E, seed])
    guide = np.array(["NT"] * 300 + [name for name in GENES[:16:2] for _ in range(30)])
    X = rng.normal(size=(len(guide), len(GENES)))
    for j in range(0, 24, 2):
        X[guide == GENES[j], j] -= 3.0
        X[:, j + 1] += 1.2 * X[:, j]
    return X, guide


def data_of(X, guide):
    store = MemoryStore(X.T.astype(np.float32), GENES, obs_columns=pd.DataFrame({"guide": guide}))
    return Dataset.build(store, CONFIG)


@pytest.fixture(scope="module")
def rows():
    found = compare(data_of(*drawn()), CONFIG, seed=1, backend=ThreadBackend(1))
    return pd.DataFrame(found).set_index(["scored by", "method"])


def rankings(rows):
    """Leave out what gives a graph of its own, of no number of edges that could be asked for."""
    return rows[rows.index.get_level_values("method") != "GIES"]


def test_the_network_is_borne_out_and_chance_is_not(rows):
    for scored_by in (SEEN, UNSEEN):
        ours, chance = rows.loc[(scored_by, "network")], rows.loc[(scored_by, "any pairs")]
        assert ours["precision"] > 0.8
        assert chance["precision"] < 0.5
        assert ours["wasserstein"] > 2 * chance["wasserstein"]
        assert ours["false_omission_rate"] < 0.09
        assert (rankings(rows).loc[scored_by, "edges"] <= ours["edges"]).all()


def test_of_fewer_edges_the_network_gives_those_that_carry_most(rows):
    found = compare(data_of(*drawn()), CONFIG, seed=1, backend=ThreadBackend(1), edges=5)
    few = pd.DataFrame(found).set_index(["scored by", "method"])
    assert (rankings(few)["edges"] <= 5).all()
    assert few.loc[(SEEN, "network"), "precision"] >= rows.loc[(SEEN, "network"), "precision"]


def test_mean_differences_need_cells_of_the_target(rows):
    assert "mean difference" in rows.loc[SEEN].index
    assert "mean difference" not in rows.loc[UNSEEN].index


def test_networks_hang_on_no_cell_that_scores():
    from acyclome.evaluate.interventional import halves
    from acyclome.pipeline.interventional import _networks

    X, guide = drawn()
    data = data_of(X, guide)
    learn, score = halves(data.treatments.kind, np.random.default_rng([1, 0]))
    spoiled = X.copy()
    spoiled[score] = np.random.default_rng(9).normal(size=(len(score), 24))
    asked = np.unique(data.treatments.gene)
    each = [
        _networks(one, CONFIG, learn, asked=asked, seed=1, backend=ThreadBackend(1), is_seen=True)
        for one in (data, data_of(spoiled, guide))
    ]
    assert each[0].keys() == each[1].keys()
    for name, (source, target) in each[0].items():
        np.testing.assert_array_equal(source, each[1][name][0], err_msg=name)
        np.testing.assert_array_equal(target, each[1][name][1], err_msg=name)


def test_the_command_scores_a_folder_and_the_report_shows_it(tmp_path, capsys):
    from anndata import AnnData

    X, guide = drawn()
    names = [f"c{k}" for k in range(len(guide))]
    path = tmp_path / "screen.h5ad"
    AnnData(
        X.astype(np.float32), obs=pd.DataFrame({"guide": guide}, index=names), var=pd.DataFrame(index=GENES)
    ).write_h5ad(path)
    out = str(tmp_path / "out")
    options = ["--perturbation", "guide", "--control", "NT", "--resamples", "2", "--prepare.transform", "none"]
    plain = ["--prepare.log", "false", "--prepare.normalize", "false", "--prepare.min-cells", "0", "-q"]
    assert main(["run", str(path), "-o", out, *options, *plain]) == 0
    capsys.readouterr()
    assert main(["score", out, "--interventional", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["interventional"]
    assert {row["scored by"] for row in found} == {SEEN, UNSEEN}
    assert main(["score", out, "--interventional"]) == 0
    assert "false omission rate" in capsys.readouterr().out
    assert "Beside what acting on genes did" in (tmp_path / "out" / "report.html").read_text("utf-8")
    assert main(["score", out]) == 2
    assert "--interventional" in capsys.readouterr().err


def test_data_without_targets_cannot_be_scored_so(tmp_path):
    X, guide = drawn()
    from acyclome.errors import InputError

    few = np.where(np.isin(guide, ["NT", "G0", "G2"]), guide, "NT")
    with pytest.raises(InputError, match="2 genes of these data were acted on alone"):
        compare(data_of(X, few), CONFIG, seed=1, backend=ThreadBackend(1))
    kept = np.flatnonzero((np.arange(len(guide)) < 300) | (np.arange(len(guide)) % 30 < 9))  # nine cells of a target
    with pytest.raises(InputError, match="0 genes of these data were acted on alone in 10"):
        compare(data_of(X[kept], guide[kept]), CONFIG, seed=1, backend=ThreadBackend(1))


def test_greedy_search_by_interventions_stands_beside_where_it_is_installed(rows):
    assert ("GIES" in rows.loc[UNSEEN].index) == has_gies(len(GENES))
    if has_gies(len(GENES)):
        assert rows.loc[(SEEN, "GIES"), "true_positives"] >= 8  # one edge of each of eight targets
