"""Groups: too small ones are named together before anything is computed, genes that stand still in one are left out."""

import anndata
import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.pipeline.commands import Runtime, run

N_OBS, N_GENES = 60, 8
LABELS = np.array(["B"] * 25 + ["T"] * 25 + ["NK"] * 4 + ["DC"] * 6)
GENES = [f"G{j}" for j in range(N_GENES)]


@pytest.fixture(scope="module")
def counts():
    X = np.random.default_rng(21).poisson(5.0, (N_OBS, N_GENES)).astype(np.float32)
    X.flags.writeable = False
    return X


def as_object(counts, labels=LABELS):
    obs = pd.DataFrame({"kind": pd.Categorical(labels)}, [f"c{i}" for i in range(len(labels))])
    return anndata.AnnData(counts.copy(), obs=obs, var=pd.DataFrame(index=GENES))


def assert_names_both(caught):
    text = str(caught.value)
    assert "DC (6)" in text
    assert "NK (4)" in text
    assert "Merge" in text
    assert "B (" not in text


def test_a_run_names_all_groups_that_are_too_small_and_writes_nothing(counts, tmp_path):
    as_object(counts).write_h5ad(tmp_path / "in.h5ad")
    with pytest.raises(InputError) as caught:
        run(tmp_path / "in.h5ad", tmp_path / "out", Config().with_options({"input.group_by": "kind"}), Runtime())
    assert_names_both(caught)
    assert "--input.group" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("joint", [False, True])
def test_a_run_that_is_refused_at_its_first_group_leaves_nothing(counts, tmp_path, joint):
    as_object(counts, ["a", "b"] * (N_OBS // 2)).write_h5ad(tmp_path / "in.h5ad")
    (tmp_path / "tf.txt").write_text("NOBODY\n")
    config = Config().with_options(
        {"input.group_by": "kind", "input.joint": joint, "knowledge.regulators": str(tmp_path / "tf.txt")}
    )
    with pytest.raises(InputError, match="None of the 1 regulator"):
        run(tmp_path / "in.h5ad", tmp_path / "out", config, Runtime())
    assert not (tmp_path / "out").exists()


def test_an_object_with_groups_that_are_too_small_is_refused(counts):
    adata = as_object(counts)
    with pytest.raises(InputError) as caught:
        ac.tl.dag(adata, groupby="kind", threads=1)
    assert_names_both(caught)
    assert not adata.uns.keys()


def test_arrays_with_groups_that_are_too_small_are_refused(counts):
    with pytest.raises(InputError) as caught:
        ac.learn(np.log1p(counts), GENES, groups=LABELS, threads=1)
    assert_names_both(caught)


def test_a_gene_that_stands_still_in_a_group_is_left_out_there_with_a_warning(counts):
    X, labels = np.log1p(counts[:50]), LABELS[:50]
    X[:25, 3] = 1.0
    found = ac.learn(X, GENES, groups=labels, resamples=0, threads=1)
    assert set(GENES) - set(found["B"].genes) == {"G3"}
    assert set(found["T"].genes) == set(GENES)
    assert any("G3" in text for text in found["B"].facts["warnings"])
    assert not any("G3" in text for text in found["T"].facts["warnings"])


def test_a_prepared_layer_leaves_out_what_stands_still_in_a_group(counts):
    adata = as_object(counts[:50], LABELS[:50])
    adata.X[:25, 3] = 1
    ac.pp.prepare(adata, normalize=False, log=False, transform="none")
    ac.tl.dag(adata, layer="dag_input", groupby="kind", resamples=0, threads=1)
    assert "G3" not in set(ac.get.nodes(adata, group="B")["gene"])
    assert "G3" in set(ac.get.nodes(adata, group="T")["gene"])
