"""Tables of prior knowledge: how they are read, what they turn into, and what is said when they contradict."""

import numpy as np
import pandas as pd
import pytest

from acyclome.errors import InputError
from acyclome.knowledge.edges import make_prior
from acyclome.knowledge.tables import read_prior, read_tiers

GENES = ["A", "B", "C", "D", "E"]


def table(*rows, columns=("source", "target", "kind")):
    return pd.DataFrame(rows, columns=list(columns))


def keys(*pairs):
    return sorted(GENES.index(t) * len(GENES) + GENES.index(s) for s, t in pairs)


def test_kinds_become_rules():
    rows = table(
        ("A", "B", "forbidden", "", "", ""),
        ("B", "C", "required", "", "", "all"),
        ("C", "D", "", 0.8, "", ""),
        ("D", "E", "soft", -1, "-", "all"),
        ("A", "E", "known", "", "+", ""),
        ("A", "D", "required", "", "", "most"),
        columns=("source", "target", "kind", "weight", "sign", "scope"),
    )
    prior = make_prior(read_prior(rows), GENES)
    assert prior.constraints.forbidden.tolist() == keys("AB")
    assert prior.constraints.required.tolist() == keys("BC")
    assert prior.constraints.soft.tolist() == keys("CD", "DE", "AD")
    np.testing.assert_allclose(
        dict(zip(prior.constraints.soft, prior.constraints.cost, strict=True))[keys("CD")[0]], 0.2
    )
    assert (prior.constraints.signed.tolist(), prior.constraints.sign.tolist()) == (keys("DE"), [-1])
    assert prior.of([0, 3, 1, 0], [4, 4, 2, 1]).tolist() == ["known+", "soft-", "required", ""]


def test_a_header_alone_says_that_it_names_no_edge(tmp_path):
    (tmp_path / "k.tsv").write_text("# ours\nsource\ttarget\tkind\n")
    (tmp_path / "tiers.tsv").write_text("gene\ttier\n")
    read = read_prior(tmp_path / "k.tsv")
    assert "names no edge" in read.attrs["notes"][0]
    assert "k.tsv" in read.attrs["notes"][0]
    assert make_prior(read, GENES).of([0], [1]).tolist() == [""]
    assert "names no edge" in read_prior(table()).attrs["notes"][0]
    with pytest.raises(InputError, match="no gene below it"):
        read_tiers(tmp_path / "tiers.tsv")


def test_scopes_speak_to_their_group_alone():
    rows = read_prior(
        table(
            ("A", "B", "forbidden", "T cells"),
            ("C", "D", "forbidden", "all"),
            columns=("source", "target", "kind", "scope"),
        )
    )
    assert make_prior(rows, GENES).constraints.forbidden.tolist() == keys("CD")
    assert make_prior(rows, GENES, group="T cells").constraints.forbidden.tolist() == keys("AB", "CD")


def test_files_are_read_with_tabs_or_commas_and_lines_are_named(tmp_path):
    (tmp_path / "f.tsv").write_text("source\ttarget\nA\tB\n")
    (tmp_path / "r.csv").write_text("# ours\ntarget,source\nD,C\n")
    prior = make_prior(read_prior(None, tmp_path / "f.tsv", tmp_path / "r.csv"), GENES)
    assert (prior.constraints.forbidden.tolist(), prior.constraints.required.tolist()) == (keys("AB"), keys("CD"))
    (tmp_path / "bad.tsv").write_text("source\ttarget\tkind\nA\tB\tsoft\nA\tC\tforbiden\n")
    with pytest.raises(InputError, match=r"bad.tsv', line 3: kind = 'forbiden' of A -> C"):
        read_prior(tmp_path / "bad.tsv")
    (tmp_path / "gene.tsv").write_text("gene\tvalue\nA\t1\n")
    with pytest.raises(InputError, match="no column source and no column target"):
        read_prior(tmp_path / "gene.tsv")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("A", "B", "required"), ("A", "B", "forbidden")], ("A -> B is required and forbidden", "line 1", "line 2")),
        (
            [
                ("A", "B", "required"),
                ("B", "C", "required"),
                ("C", "D", "required"),
                ("D", "A", "required"),
                ("C", "B", "required"),
            ],
            ("closes a cycle of required edges", "B -> C", "line 5"),
        ),
        ([("E", "B", "required")], ("E -> B is required, and its source is not on the list of regulators",)),
        ([("D", "A", "required")], ("runs from a higher to a lower tier",)),
    ],
)
def test_a_contradiction_shows_its_smallest_set(rows, said):
    causes = np.array([True, True, True, True, False])
    tiers = {"A": 0, "D": 1} if len(rows) == 1 else None
    with pytest.raises(InputError) as caught:
        make_prior(read_prior(table(*rows)), GENES, tiers=tiers, sources=causes)
    for text in said:
        assert text in str(caught.value)
    assert "line 4" not in str(caught.value)


def test_both_signs_of_an_edge_contradict():
    rows = table(
        ("A", "B", "soft", 0.5, "+"),
        ("A", "B", "soft", 0.5, "-"),
        columns=("source", "target", "kind", "weight", "sign"),
    )
    with pytest.raises(InputError, match="A -> B has both signs"):
        make_prior(read_prior(rows), GENES)


def test_names_that_are_not_among_the_genes_are_counted():
    prior = make_prior(read_prior(table(("A", "B", "forbidden"), ("A", "X", "forbidden"))), GENES)
    assert prior.warnings == ("1 of 2 edges of the prior knowledge are among the 5 genes; not among them: X.",)
    with pytest.raises(InputError, match="Upper and lower case differ"):
        make_prior(read_prior(table(("a", "b", "forbidden"))), GENES)


def test_tiers_come_from_a_file_and_genes_without_one_stand_lowest(tmp_path):
    (tmp_path / "tiers.tsv").write_text("gene\ttier\nA\t1\nB\t3\n")
    prior = make_prior(read_prior(None), GENES, tiers=read_tiers(tmp_path / "tiers.tsv"))
    assert prior.constraints.tier.tolist() == [1, 3, 1, 1, 1]
    (tmp_path / "tiers.tsv").write_text("gene\ttier\nA\thigh\n")
    with pytest.raises(InputError, match="tier of A is 'high'"):
        read_tiers(tmp_path / "tiers.tsv")


@pytest.mark.parametrize("rows", [None, table(("A", "B", "known"))])
def test_nothing_known_is_no_constraint(rows):
    constraints = make_prior(read_prior(rows), GENES).constraints
    assert not constraints.excludes_pairs
    assert constraints.sources.all()
    assert len(constraints.signed) + len(constraints.soft) == 0


def test_blanks_around_names_and_kinds_do_not_count():
    rows = pd.DataFrame(
        [[" A", "B ", " forbidden", None], ["B", " A", "forbidden ", "all"]],
        columns=["Source", "target ", "kind", "scope"],
    )
    assert make_prior(read_prior(rows), GENES).constraints.forbidden.tolist() == keys("AB", "BA")


def test_names_only_in_rows_of_another_scope_are_not_missed():
    rows = table(
        ("A", "B", "forbidden", "all"),
        ("X", "Y", "forbidden", "T cells"),
        columns=("source", "target", "kind", "scope"),
    )
    assert [text.split(":")[0] for text in make_prior(read_prior(rows), GENES).warnings] == [
        "1 edge of the prior knowledge is for T cells, and there are no groups"
    ]
