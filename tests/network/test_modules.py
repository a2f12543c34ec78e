"""Facts about modules as tables: ways from gene to gene, and files."""

from dataclasses import replace

import pandas as pd
import pytest
from anndata import AnnData

import acyclome as ac
from acyclome.errors import InputError
from acyclome.io.module_keys import read_modules, write_modules
from acyclome.io.runs import RunFolder
from acyclome.network.modules import (
    ACTS,
    AMONG,
    DIRECT,
    MODULE_COLUMNS,
    MODULE_EDGE_COLUMNS,
    MODULE_PATH_COLUMNS,
    MOVES,
    ModuleNetwork,
)


@pytest.fixture(scope="module")
def found():
    """REG -> M001 -> M002, genes A of the first, B of the second, and B -> C that no module carries."""
    edges = [
        ("M001", "M002", AMONG, 0.5, 9.0, False),
        ("REG", "M001", ACTS, -0.8, 20.0, False),
        ("B", "C", DIRECT, 0.5, 12.0, False),
        ("M001", "A", MOVES, 0.9, 50.0, False),
        ("M002", "B", MOVES, 0.7, 30.0, True),
    ]
    row = {"n_genes": 1, "variance": 0.1, "stability": 0.9, "enriched": "", "overlap": 0, "f1": 0.5, "q": 0.001}
    modules = [
        {
            **row,
            "module": "M001",
            "name": "heat",
            "regulators": "REG",
            "genes": "A",
            "set": "",
            "outside": "",
            "factor": "",
        },
        {
            **row,
            "module": "M002",
            "name": "cold",
            "regulators": "",
            "genes": "B",
            "set": "cold",
            "outside": "B",
            "factor": "1",
        },
    ]
    path = pd.DataFrame([(5, 2, -1.2, 0.1, 0.4, 0.9, 0.5, 1.0, 0.3, 0.9, 1, True)], columns=list(MODULE_PATH_COLUMNS))
    return ModuleNetwork(
        pd.DataFrame(modules, columns=list(MODULE_COLUMNS)),
        pd.DataFrame(edges, columns=list(MODULE_EDGE_COLUMNS)),
        path,
    )


def test_ways_lead_over_modules_and_multiply_weights(found):
    table = found.routes("REG")
    assert table["target"].tolist() == ["A", "B", "C"]
    assert table["effect"].tolist() == pytest.approx([-0.72, -0.28, -0.14])
    assert table["route"][2] == "REG -> M001 (heat) -> M002 (cold) -> B -> C"


def test_a_way_to_one_gene_is_asked_for_by_name(found):
    assert found.routes("REG", "B")["route"].tolist() == ["REG -> M001 (heat) -> M002 (cold) -> B"]
    assert found.routes("A").empty
    assert found.routes("REG", "M002")["effect"].tolist() == pytest.approx([-0.4])  # or to a module


def test_an_unknown_gene_is_refused_with_one_that_looks_alike(found):
    with pytest.raises(InputError, match=r"no gene 'RGE'.*Did you mean REG"):
        found.routes("RGE")


def test_genes_and_modules_are_asked_for_by_what_they_are_called(found):
    called = replace(found, symbols={"REG": "SPI1", "A": "LYZ", "B": "heat", "C": "TWIN", "M": "TWIN", "x": "TWIN"})
    table = called.routes("SPI1", "LYZ")
    assert table["target_symbol"].tolist() == ["LYZ"]
    assert table["route"].tolist() == ["SPI1 -> M001 (heat) -> LYZ"]
    assert called.routes("REG", "A").equals(table)
    assert called.find("cold") == "M002"
    assert called.find("heat") == "B"  # a gene before the set that is called like it
    with pytest.raises(InputError, match=r"no gene 'SPI2'.*Did you mean SPI1"):
        called.routes("SPI2")


def test_a_name_of_several_modules_is_refused(found):
    twice = replace(found, modules=found.modules.assign(name="heat"))
    with pytest.raises(InputError, match="'heat' names 2 of the graph of modules; give one of them: M001, M002"):
        twice.routes("heat")


def test_one_module_is_counted_as_one(found):
    assert repr(replace(found, modules=found.modules[:1])).startswith("ModuleNetwork of 1 module: 1 edge among them")


def test_files_give_back_the_same_tables(found, tmp_path):
    RunFolder(tmp_path).write_modules(found)
    read = ac.get.modules(tmp_path)
    for name in ("modules", "edges", "path"):
        pd.testing.assert_frame_equal(getattr(read, name), getattr(found, name), check_dtype=False)


def test_an_object_gives_back_the_same_tables_and_activities(found, tmp_path):
    adata = AnnData(pd.DataFrame(0.0, index=["x", "y"], columns=["A", "B"]))
    activity = pd.DataFrame({"M001": [1.0], "M002": [-1.0]}, index=["y"])
    write_modules(adata, ModuleNetwork(found.modules, found.edges, found.path, activity=activity), "dag")
    adata.write_h5ad(tmp_path / "x.h5ad")
    import anndata

    again = anndata.read_h5ad(tmp_path / "x.h5ad")
    pd.testing.assert_frame_equal(read_modules(again, "dag").edges, found.edges, check_dtype=False)
    assert again.obsm["dag_modules"][1].tolist() == [1.0, -1.0]


def test_where_no_modules_are_it_is_said_how_to_learn_them(tmp_path):
    with pytest.raises(InputError, match="no run has ended there"):
        ac.get.modules(tmp_path)
    (tmp_path / "edges.tsv.gz").touch()
    with pytest.raises(InputError, match="is a file; expected the folder of a run"):
        ac.get.modules(tmp_path / "edges.tsv.gz")
    with pytest.raises(InputError, match="acyclome modules"):
        ac.get.modules(tmp_path)
    with pytest.raises(InputError, match=r"Run acyclome\.tl\.dag"):
        ac.get.modules(AnnData(pd.DataFrame({"A": [0.0]}, index=["x"])))


def test_the_picture_has_a_link_for_every_edge_among_modules_and_from_regulators(found):
    ax = ac.pl.modules(found)
    drawn = {patch.get_gid() for patch in ax.patches if patch.get_gid()}
    assert drawn == {"REG -> M001", "M001 -> M002"}
    place = {text.get_text(): text.get_position()[1] for text in ax.texts}
    assert place["REG"] > place["heat"] > place["cold"]


def test_nothing_is_drawn_of_modules_without_edges(found):
    with pytest.raises(InputError, match="no edge among modules"):
        ac.pl.modules(ModuleNetwork(found.modules, found.edges[3:], found.path))
