"""What labels of observations say: every way in which screens write targets and controls is a row."""

from __future__ import annotations

import pytest

from acyclome.knowledge.controls import reads_like_control
from acyclome.knowledge.labels import LabelReader

GENES = ["KLF1", "GATA1", "HLA-A", "HLA-B", "NKX2-1", "AC_123", "Su(H)", "N", "TF", "Klf2", "ENSG00000105610"]


@pytest.mark.parametrize(
    ("label", "targets"),
    [
        ("KLF1", ["KLF1"]),
        ("KLF1;GATA1", ["KLF1", "GATA1"]),
        ("KLF1; KLF1", ["KLF1"]),
        *(
            (f"KLF1{mark}GATA1", ["KLF1", "GATA1"])
            for mark in ("+", ",", "|", "&", "/", "_", "-", ":", ".", " ", " and ")
        ),
        # names that hold marks themselves are matched whole first
        ("HLA-A", ["HLA-A"]),
        ("HLA-A-HLA-B", ["HLA-A", "HLA-B"]),
        ("HLA-A_HLA-B_1", ["HLA-A", "HLA-B"]),
        ("AC_123_KLF1", ["AC_123", "KLF1"]),
        ("Su(H)+N", ["Su(H)", "N"]),
        # numbers and kinds of guides
        ("KLF1_2", ["KLF1"]),
        ("KLF1-sg2", ["KLF1"]),
        ("KLF1_g1", ["KLF1"]),
        ("sgKLF1-1", ["KLF1"]),
        ("sgKlf2", ["Klf2"]),
        ("KLF1g2", ["KLF1"]),
        ("KLF1_sgRNA_3", ["KLF1"]),
        ("KLF1_KO", ["KLF1"]),
        ("KLF1_2+GATA1_1", ["KLF1", "GATA1"]),
        ("KLF1_+_12997999.23-P1P2", ["KLF1"]),
        ("KLF1_ACGTACGTACGTACGTACGT", ["KLF1"]),
        ("NKX2-1_3", ["NKX2-1"]),
        ("9_KLF1_P1P2_ENSG00000105611", ["KLF1"]),  # with the id of the same gene
        ("ENSG00000105610.guide", ["ENSG00000105610"]),
        # the control, alone, numbered, and beside a target
        ("ctrl", []),
        ("ctrl_3", []),
        ("ctrl+ctrl", []),
        ("KLF1+ctrl", ["KLF1"]),
        ("ctrl+KLF1", ["KLF1"]),
        ("KLF1+non-targeting", ["KLF1"]),
        ("KLF1_NegCtrl0", ["KLF1"]),  # Norman et al.
        ("p_sgKLF1_2", ["KLF1"]),  # Dixit et al.
    ],
)
def test_labels_name_targets_and_controls_in_every_usual_way(label, targets):
    reading = LabelReader(GENES, "ctrl").read(label)
    assert reading.is_clear
    assert list(reading.targets) == targets


@pytest.mark.parametrize(
    ("label", "unknown"),
    [
        ("SPI1", ["SPI1"]),
        ("SPI1_1", ["SPI1_1"]),
        ("KLF1+SPI1", ["SPI1"]),
        ("KLF1_SPI1", ["KLF1_SPI1"]),
        ("klf1", ["klf1"]),  # of a mouse, perhaps
        ("NKX2-2", ["NKX2-2"]),
        ("HLA-C", ["HLA-C"]),
        (
            "ENSG00000105610_ENSG00000105611",
            ["ENSG00000105610_ENSG00000105611"],
        ),  # another gene, of which there is no id
        ("KLF1+ENSG00000105611", ["ENSG00000105611"]),
        ("KLF1-AS1", ["KLF1-AS1"]),  # a gene of its own
        ("NT", ["NT"]),  # another word than the one that was given
        ("3", ["3"]),
        ("KLF1 cells that were treated twice", ["KLF1 cells that were treated twice"]),
        ("a b " * 5000, [("a b " * 5000).strip()]),
    ],
)
def test_what_is_not_understood_whole_is_unknown(label, unknown):
    reading = LabelReader(GENES, "ctrl").read(label)
    assert not reading.is_clear
    assert list(reading.unknown) == unknown


@pytest.mark.parametrize(
    ("label", "is_alike"),
    [
        *((word, True) for word in ("ctrl", "NT", "Non-Targeting Control", "nt_ctrl_3", "AAVS1", "sgNTC-2", "DMSO")),
        *(
            (word, True)
            for word in ("NegCtrl0_NegCtrl0", "p_INTERGENIC216151", "safe-targeting", "sgLacZ", "wild type")
        ),
        ("non-targeting_non-targeting|non-targeting_non-targeting", True),  # Replogle et al.
        *((word, False) for word in ("NTRK1", "WT1", "CTRL1A", "SPI1+ctrl", "3", "", "p_sg", "cells", "drug 10 nM")),
    ],
)
def test_controls_are_known_by_the_words_of_published_screens(label, is_alike):
    assert reads_like_control(label) == is_alike


def test_a_label_is_missing_only_where_controls_have_one():
    for gap in ("", "nan", "None", "<NA>", "NA"):
        assert LabelReader(GENES, "ctrl").read(gap).is_missing
        assert LabelReader(GENES, None).read(gap).is_clear
    assert LabelReader(GENES, "NA").read("NA").is_clear


def test_several_controls_are_joined_as_targets_are_unless_a_label_is_called_so():
    assert LabelReader(GENES, "NT;AAVS1", ["NT", "AAVS1"]).controls == {"NT", "AAVS1"}
    assert LabelReader(GENES, "NT,1", ["NT,1"]).controls == {"NT,1"}
