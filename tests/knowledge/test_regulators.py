"""Lists of regulators: exact matches, and messages that name the likely reason when there are none."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.knowledge.beforehand import check_files
from acyclome.knowledge.lists import SHIPPED
from acyclome.knowledge.regulators import find_regulators, listed_regulators, read_regulators

SYMBOLS = ["SPI1", "CEBPA", "GATA1", "LYZ", "HBB", "CD3E", "MS4A1"]
ENSEMBL = [
    "ENSG00000066336",
    "ENSG00000245848",
    "ENSG00000102145",
    "ENSG00000090382",
    "ENSG00000244734",
    "ENSG00000198851",
]
BARCODES = [
    "AAACATACAACCAC-1",
    "AAACATTGAGCTAC-1",
    "AAACATTGATCAGC-1",
    "AAACCGTGCTTCCG-1",
    "AAACCGTGTATGCG-1",
    "s1_AAACGCACTGGTAC-1",
]


def failure(genes, names, source=""):
    with pytest.raises(InputError) as found:
        find_regulators(genes, names, source)
    return str(found.value)


@given(st.lists(st.text(min_size=1, max_size=4), min_size=1, unique=True), st.data())
def test_mask_marks_exactly_the_listed_genes(genes, data):
    names = data.draw(st.lists(st.sampled_from(genes), min_size=1))
    mask, _ = find_regulators(genes, names)
    assert mask.dtype == bool
    assert [gene for gene, listed in zip(genes, mask, strict=True) if listed] == [g for g in genes if g in set(names)]


def test_no_overlap_tells_counts_and_five_of_each_side():
    text = failure(SYMBOLS, [f"x{i}" for i in range(12)], "tf.txt")
    assert "None of the 12 regulators of tf.txt is among the 7 genes" in text
    assert "regulators: x0, x1, x2, x3, x4 and 7 more\n" in text
    assert "genes:      SPI1, CEBPA, GATA1, LYZ, HBB and 2 more\n" in text
    assert "same species" in text
    assert len(text.splitlines()) <= 5


def test_an_empty_list_is_said_to_be_empty():
    assert failure(SYMBOLS, []).startswith("The list of regulators is empty.")


@pytest.mark.parametrize(
    ("genes", "names", "reason"),
    [
        (SYMBOLS, ["Spi1", "Cebpa"], "Upper and lower case differ (Spi1)"),
        (ENSEMBL, SYMBOLS, "The data have Ensembl ids and the list has gene symbols"),
        (SYMBOLS, ENSEMBL, "The data have gene symbols and the list has Ensembl ids"),
        (ENSEMBL, [f"{name}.7" for name in ENSEMBL], "version suffix"),
        ([f"{name}.7" for name in ENSEMBL], ENSEMBL[:2], "version suffix"),
        ([f"{name}.7" for name in ENSEMBL], [f"{name}.8" for name in ENSEMBL], "version suffix"),
        (BARCODES, SYMBOLS, "probably transposed"),
        ([f"GRCh38_{name}" for name in SYMBOLS], SYMBOLS, r"their genome (GRCh38_SPI1)"),
        ([f"mm10___{name}" for name in SYMBOLS], SYMBOLS, r"removeprefix('mm10___')"),
    ],
)
def test_the_likely_reason_is_named(genes, names, reason):
    assert reason in failure(genes, names)


def test_similar_names_are_never_matched_silently():
    assert find_regulators(["SPI1", "Spi1", "SPI1.1"], ["SPI1"])[0].tolist() == [True, False, False]


def test_partial_overlap_is_a_warning_with_counts_and_names():
    mask, said = find_regulators(SYMBOLS, ["SPI1", "PAX6", "SOX2"], "tf.txt")
    assert np.flatnonzero(mask).tolist() == [0]
    assert "1 of 3 regulators of tf.txt are among the 7 genes; missing: PAX6, SOX2." in said[0]
    assert "filtered out" in find_regulators(SYMBOLS, ["SPI1", "PAX6"])[1][0]
    assert "Upper and lower case" in find_regulators(SYMBOLS, ["SPI1", "Gata1"])[1][0]


def test_full_overlap_is_silent():
    assert find_regulators(SYMBOLS, SYMBOLS[:2])[1] == ()
    assert find_regulators(SYMBOLS, SYMBOLS)[1] == ()


def test_without_a_list_every_gene_may_be_a_cause():
    mask, said = find_regulators(SYMBOLS, None)
    assert mask.all()
    assert said == ()


def test_lists_are_read_with_comments_columns_and_repeats(tmp_path):
    path = tmp_path / "tf.txt"
    path.write_bytes('\ufeffSPI1\r\n# myeloid\n\nCEBPA\tyes\n"GATA1",x\nSPI1 # again\n'.encode())
    assert read_regulators(path) == ["SPI1", "CEBPA", "GATA1"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"# none\n", "names no gene"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xff\xff", "cannot be read"),
    ],
)
def test_an_unusable_list_is_an_input_error(tmp_path, content, reason):
    path = tmp_path / "tf.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read_regulators(path)


def test_a_pipe_is_not_opened(tmp_path):
    from acyclome.knowledge.tables import read_prior

    os.mkfifo(tmp_path / "tf.txt")
    for read in (read_regulators, read_prior):
        with pytest.raises(InputError, match="a pipe or a device"):
            read(tmp_path / "tf.txt")


def test_a_missing_list_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.txt' cannot be read: No such file or directory\. Expected"):
        read_regulators(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("species", "factors", "others"),
    [
        ("human", ["SPI1", "GATA1", "TP53", "FOS", "AHR"], ["LYZ", "HBB"]),
        ("mouse", ["Spi1", "Gata1"], ["Lyz2", "SPI1"]),
    ],
)
def test_the_package_has_lists_of_transcription_factors(species, factors, others, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    mask, said = find_regulators([*factors, *others], species)
    assert mask.tolist() == [True] * len(factors) + [False] * len(others)
    assert said == ()  # that most factors are not among the genes is as it should be
    assert listed_regulators(species) == species
    check_files(Config().with_options({"knowledge.regulators": species}).knowledge)  # before anything is prepared
    (tmp_path / species).write_text(f"{others[0]}\n")  # a file of the user's own goes before
    assert find_regulators(others, species)[0].tolist() == [True, False]


@pytest.mark.parametrize("path", SHIPPED.values(), ids=SHIPPED.keys())
def test_a_list_of_the_package_says_where_it_is_from_and_is_sorted(path):
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    names = read_regulators(path)
    assert names == sorted(set(names))
    assert f"{len(names):,} gene symbols" in head[0]
    said = " ".join(head)
    assert all(word in said for word in ("JASPAR 2026", "without restrictions", "NCBI Gene", "2016-02-22"))
    assert max(map(len, path.read_text().splitlines())) <= 120


def test_the_list_of_another_species_says_so():
    with pytest.raises(InputError, match="Upper and lower case differ"):
        find_regulators(["Spi1", "Gata1", "Lyz2"], "human")
