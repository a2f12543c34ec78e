"""Regulators and targets stay beside the most variable genes, through every door, and nothing else does."""

import numpy as np
import pytest

import acyclome as ac
from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.io.store import Store
from acyclome.knowledge.interventions import find_targets
from acyclome.pipeline import modules
from acyclome.prepare import prepare, prepare_to_store, prepared_size

TOP = 8


def config(**options):
    return Config().with_options(
        {"prepare.n_top_genes": TOP, "prepare.transform": "none", "prepare.normalize": True, **options}
    )


@pytest.fixture
def ordered(adata):
    """Genes of the preparation without a bound, the most variable of them, and others."""
    every, top = prepare(adata, config(**{"prepare.n_top_genes": None})).genes, set(prepare(adata, config()).genes)
    return every, top, [gene for gene in every if gene not in top]


def test_listed_regulators_stay_and_the_others_are_as_they_were(adata, ordered, tmp_path):
    every, top, others = ordered
    listed = [others[0], others[-1], next(iter(top))]
    (tmp_path / "tf.txt").write_text("\n".join([*listed, "NOBODY"]))
    named, filed = (
        prepare(adata, config(), regulators=listed),
        prepare(adata, config(**{"knowledge.regulators": str(tmp_path / "tf.txt")})),
    )
    assert named.genes == filed.genes == [gene for gene in every if gene in top | set(listed)]
    step = next(step for step in named.facts["steps"] if step["step"] == "top_genes")
    assert step["what"].endswith("and 2 more that are regulators or targets of perturbations")
    assert step["genes_dropped"] == len(every) - TOP - 2
    whole = prepare(adata, config(**{"prepare.n_top_genes": None}))
    rows = [whole.genes.index(gene) for gene in named.genes]
    np.testing.assert_array_equal(
        *(np.asarray(X.todense() if hasattr(X, "todense") else X) for X in (named.X, whole.X[rows]))
    )


def test_a_list_of_which_nothing_is_measured_is_refused(adata):
    with pytest.raises(InputError, match="None of the 1 regulator"):
        prepare(adata, config(), regulators=["NOBODY"])


@pytest.mark.parametrize("model", ["linear", "glm"])
def test_targets_stay_also_those_named_by_symbols(adata, ordered, model):
    every, _, others = ordered
    adata.var["alias"] = [f"S{k}" for k in range(adata.n_vars)]
    symbol = adata.var.loc[others[1], "alias"]
    adata.obs["guide"] = np.where(np.arange(adata.n_obs) < 20, f"sg{symbol}+ctrl", "ctrl")
    given = {"input.perturbation": "guide", "input.control": "ctrl", "input.gene_names": "alias", "model": model}
    found = prepare(adata, config(**given))
    targets = find_targets(found.obs_columns, "guide", "ctrl", genes=found.genes, symbols=found.symbols)
    assert others[1] in found.genes
    assert targets.facts["targets"] == 1
    assert TOP + 1 == len(found.genes) < len(every)


def test_a_file_is_prepared_and_foreseen_alike(adata, ordered, tmp_path):
    path, listed = tmp_path / "a.h5ad", ordered[2][:3]
    adata.write_h5ad(path)
    (tmp_path / "tf.txt").write_text("\n".join(listed))
    asked = config(**{"knowledge.regulators": str(tmp_path / "tf.txt")})
    prepare_to_store(path, tmp_path / "a.h5", asked)
    with Store.open(tmp_path / "a.h5") as store:
        assert store.genes == prepare(adata, asked).genes
        assert prepared_size(path, asked).n_vars == store.n_vars == TOP + 3


def test_objects_and_their_modules_have_the_listed_genes(adata, ordered, monkeypatch):
    listed = ordered[2][:2]
    layer = ac.pp.prepare(adata, n_top_genes=TOP, regulators=listed, copy=True)
    assert layer.var["dag_used"].loc[listed].all()
    ac.tl.dag(adata, regulators=listed, n_resamples=0, threads=1, config={"prepare": {"n_top_genes": TOP}})
    network = ac.get.network(adata)
    assert sorted(network.genes) == sorted(layer.var_names[layer.var["dag_used"]])
    assert set(network.edges["source"]) <= set(listed)
    asked = []
    monkeypatch.setattr(modules, "learn_modules", lambda task, *_, **__: asked.append(task.data.store.genes))
    monkeypatch.setattr(modules, "write_modules", lambda *_: None)
    ac.tl.modules(adata)  # which prepares again, and is told no list
    assert asked == [network.genes]
