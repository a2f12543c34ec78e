"""True edges are read from every kind of file they come in."""

import gzip

import pytest

from acyclome.cli.truth import read_truth
from acyclome.errors import InputError


@pytest.mark.parametrize(
    ("name", "text", "edges"),
    [
        ("t.tsv", "source\ttarget\tweight\nA\tB\t0.5\nA\tC\t-2\n", [("A", "B", "0.5"), ("A", "C", "-2")]),
        ("t.csv", "Gene1,Gene2,Type\nA,B,+\nB,C,-\n", [("A", "B", "+"), ("B", "C", "-")]),
        ("t.tsv", "cause\teffect\nErk\tAkt\n", [("Erk", "Akt", "")]),
        ("t.tsv", "weight\ttarget\tsource\n1\tB\tA\n", [("A", "B", "1")]),
        ("t.tsv", "G1\tG2\t1\nG1\tG3\t0\n", [("G1", "G2", "")]),
        ("t.sif", "A ac B C\nB re D\n", [("A", "B", "+"), ("A", "C", "+"), ("B", "D", "-")]),
        ("t.txt", "# truth\nA B\nB C\n", [("A", "B", ""), ("B", "C", "")]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_edges_are_found_in(name, text, edges, packed, tmp_path):
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert list(read_truth(path).itertuples(index=False, name=None)) == edges


@pytest.mark.parametrize("content", [b"", b"source\ttarget\n", b"only\n", b"\xff\xfe\x00", b"\x1f\x8bbroken"])
def test_a_file_without_edges_is_refused_by_name(content, tmp_path):
    path = tmp_path / "wrong.tsv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"wrong\.tsv"):
        read_truth(path)


def test_the_truths_of_public_benchmarks_have_their_published_sizes(shared_data):
    assert len(read_truth(shared_data / "syntren_nobears" / "DAG1_d100_n1000_network.sif")) == 251
    assert len(read_truth(shared_data / "sachs" / "truth_17edges_bnlearn.tsv")) == 17
    assert len(read_truth(shared_data / "dream4" / "insilico_size10_1_goldstandard.tsv")) == 15
    assert len(read_truth(shared_data / "dream5" / "net3_goldstandard.tsv.gz")) == 2066
