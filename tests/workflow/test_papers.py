"""Data of papers: taken where they are those of the paper, else said to be missing or others."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

PAPERS = Path(__file__).resolve().parents[2] / "workflow/papers"
SHEETS = sorted(PAPERS.glob("sheets/*.tsv"))


@pytest.fixture(scope="module")
def take():
    spec = importlib.util.spec_from_file_location("take", PAPERS / "take.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["take"] = module  # where dataclasses look for their types
    spec.loader.exec_module(module)
    yield module
    del sys.modules["take"]


def test_every_sheet_is_of_a_paper_whose_data_can_be_taken(take):
    assert {path.stem for path in SHEETS} == {*take.PAPERS}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_columns_are_those_of_data_sets(sheet):
    schema = YAML(typ="safe").load((PAPERS / "../schemas/datasets.schema.yaml").read_text("utf-8"))
    assert [
        name for name in sheet.read_text("utf-8").split("\n")[0].split("\t") if name not in schema["properties"]
    ] == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_rows_are_a_data_set_and_a_model(sheet):
    with sheet.open(newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            name, _, model = row["dataset"].rpartition(".")
            assert (row["path"], row["model"]) == (f"resources/{name}.tsv", model)


def test_lines_are_drawn_by_the_protocol_of_notears(take):
    taken = take.notears("er2-10", take.Source(Path(), Path()))
    assert taken.table.shape == (1000, 10)
    assert {*taken.truth["source"], *taken.truth["target"]} <= {*taken.table.columns}
    assert pd.Series(taken.table.var()).max() > 1.5  # on the scale that they come out on


def test_files_that_are_absent_or_others_are_said_to_be(take, tmp_path):
    source = take.Source(tmp_path, tmp_path)
    with pytest.raises(take.Absent, match=r"multifactorial\.tsv\.gz is not there.*data=FOLDER"):
        take.dream4("1", source)
    (tmp_path / "dream4").mkdir()
    (tmp_path / "dream4/insilico_size100_1_multifactorial.tsv.gz").write_bytes(b"other")
    with pytest.raises(take.Absent, match="is another file than the one of the paper"):
        take.dream4("1", source)
    with pytest.raises(take.Absent, match=r"holds no simulate\.py"):
        take.nonparametric("mlp-20", source)
