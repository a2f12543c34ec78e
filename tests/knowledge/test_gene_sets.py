"""Facts about gene sets in gmt files."""

import gzip

import pytest

from acyclome.errors import InputError
from acyclome.knowledge.gene_sets import GeneSets, read_gene_sets

GENES = ["A", "B", "C", "D"]


def test_sets_are_read_by_names_and_symbols_as_far_as_the_data_have_them(tmp_path):
    path = tmp_path / "x.gmt"
    path.write_text("one\tfrom somewhere\tA\tB\tnope\tC\nsmall\t\tA\tB\ntwo\t\tsymB\tC\tD\n")
    names, sets, _ = read_gene_sets(path, GENES, symbols={"B": "symB"})
    assert names == ["one", "two"]  # two genes are too few
    assert sets.T.tolist() == [[True, True, True, False], [False, True, True, True]]


def test_sets_that_are_too_small_or_empty_are_left_out_with_a_word(tmp_path):
    path = tmp_path / "x.gmt"
    path.write_text("one\t\tA\tB\tC\nsmall\t\tA\tB\tX\tY\nempty\t\t\n")
    found = read_gene_sets(path, GENES)
    assert found.names == ["one"]
    assert found.notes == (
        f"2 of 3 sets of {str(path)!r} have fewer than 3 genes of the data and are left out: small, empty.",
    )
    path.write_text("one\t\tA\tB\tC\n")
    assert read_gene_sets(path, GENES).notes == ()


def test_a_compressed_file_is_read_as_a_plain_one(tmp_path):
    path = tmp_path / "x.gmt.gz"
    path.write_bytes(gzip.compress(b"one\t\tA\tB\tC\n"))
    assert read_gene_sets(path, GENES).names == ["one"]


def test_no_file_has_no_sets():
    assert read_gene_sets(None, GENES) == GeneSets([], pytest.approx(GeneSets.none(4).sets))


def test_weights_that_enrichr_writes_behind_genes_are_taken_off(tmp_path):
    path = tmp_path / "x.gmt"
    path.write_text("one\t\tA,1.0\tB,-2e-3\tC,1\n")
    assert read_gene_sets(path, GENES).sets.T.tolist() == [[True, True, True, False]]


def test_a_gene_in_place_of_a_remark_is_told(tmp_path):
    path = tmp_path / "x.gmt"
    path.write_text("one\tA\tB\tC\tD\ntwo\tA\tA\tB\tC\n")
    assert read_gene_sets(path, GENES).notes == (
        f"1 of 2 sets of {str(path)!r} have a gene of the data where a gmt file has its remark, which is not read as a "
        "gene of the set: A.",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A,B,C\n", "Line 1 of .*has 1 cell; expected a gmt file"),
        ("one\t\tX\tY\tZ\n", "No set of .*It names X, Y, Z, the data have A, B, C"),
        ("one\t\ta\tb\tc\n", r"Upper and lower case differ \(a\)"),
        ("one\t\tA\tB\tC\none\t\tB\tC\tD\n", "share a name: one"),
        ("\n", "are empty"),
        ("\t\tA\tB\tC\n", "Line 1 of .* names no set"),
        ("one\t\tA\tB\n", "Sets of fewer say nothing of modules"),
    ],
)
def test_what_is_no_gmt_is_refused_with_what_was_found(tmp_path, text, said):
    path = tmp_path / "x.gmt"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_gene_sets(path, GENES)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"gone\.gmt"):
        read_gene_sets(tmp_path / "gone.gmt", GENES)
