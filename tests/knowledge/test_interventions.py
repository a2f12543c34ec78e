"""Names of targets: what they become, and what is said of those that cannot be used."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from acyclome.errors import InputError
from acyclome.knowledge.interventions import as_perturbation, check_labels, effects_warnings, find_targets

GENES = ["STAT1", "JAK2", "IRF1", "CD274"]


def found(labels, control="NT"):
    return find_targets(pd.DataFrame({"guide": labels}), "guide", control, genes=GENES)


def test_targets_are_read_with_several_in_one_observation_and_the_control_among_them():
    labels = ["NT", "STAT1", "STAT1; JAK2", "JAK2;NT", None, "", np.nan, "STAT1;STAT1"]
    given = found(labels)
    targets = given.interventions
    assert given.rows.tolist() == [0, 1, 2, 3, 7]
    assert [targets.of(j).tolist() for j in range(4)] == [[1, 2, 4], [2, 3], [], []]
    assert targets.untouched.tolist() == [0]
    assert given.facts["read_as"] == {}


def test_without_a_control_observations_without_a_label_are_the_controls():
    given = found(["STAT1", None, "", np.nan, "JAK2"], control=None)
    assert given.interventions.untouched.tolist() == [1, 2, 3]
    assert len(given.rows) == 5


def test_labels_that_read_like_controls_are_no_targets_that_are_left_out_unasked():
    with pytest.raises(InputError, match=r"no control is named: ctrl \(2\), NT \(1\)\. .* --control 'ctrl;NT'"):
        found(["STAT1", "ctrl", "ctrl", "NT", None, "SPI1"], control=None)
    warning = found(["STAT1", "NT", "NT", "scramble", "SPI1"]).warnings[0]
    assert warning.endswith("further controls be named: --control 'NT;scramble'.")


def test_observations_without_a_label_beside_those_of_a_control_are_left_out_and_counted():
    given = found(["NT", "STAT1", None, "", "STAT1"])
    assert given.rows.tolist() == [0, 1, 4]
    assert given.facts["observations"] == {"targeted": 2, "untouched": 1, "unknown": 0, "without_label": 2}
    assert any("Without a label in 'guide' 2 observations were left out" in text for text in given.warnings)


def test_categories_are_labels_too():
    frame = pd.DataFrame({"guide": pd.Categorical(["STAT1", "NT"])})
    assert find_targets(frame, "guide", "NT", genes=GENES).interventions.of(0).tolist() == [0]


def test_observations_with_unknown_targets_are_no_controls_but_left_out_and_counted():
    given = found(["STAT1", "SPI1", "SPI1", "SPI1;JAK2", "MYC", *["NT"] * 20])
    assert given.facts["unknown"] == {"SPI1": 3, "MYC": 1}
    assert given.facts["observations"] == {"targeted": 1, "untouched": 20, "unknown": 4, "without_label": 0}
    assert given.rows.tolist() == [0, *range(5, 25)]
    assert given.facts["targets"] == 1
    text = given.warnings[0]
    assert (
        "In 'guide' 2 targets are not among the genes: SPI1 (3), MYC (1). 4 observations of them were left out" in text
    )


def test_what_was_read_of_labels_that_are_no_names_is_told():
    given = found(["STAT1_2", "STAT1+JAK2", "JAK2", "NT_4", *["NT"] * 20])
    assert given.facts["read_as"] == {"STAT1_2": ["STAT1"], "STAT1+JAK2": ["STAT1", "JAK2"]}
    assert (
        "2 labels in 'guide' had to be taken apart: STAT1_2 as STAT1, STAT1+JAK2 as STAT1 and JAK2." in given.warnings
    )
    assert given.facts["observations"]["untouched"] == 21


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (["stat1", "jak2"], ["None of the 2 targets", "'guide'", "targets: stat1, jak2", "genes:   STAT1, JAK2"]),
        (["guide_1", "guide_2"], ["guide_1", "--control", "named as the genes"]),
    ],
)
def test_when_no_target_is_a_gene_the_message_says_what_was_found_and_expected_on_one_screen(labels, parts):
    with pytest.raises(InputError) as refused:
        found(labels)
    text = str(refused.value)
    assert all(part in text for part in parts), text
    assert len(text.splitlines()) <= 5


def test_a_column_that_was_lost_in_joining_observations_is_asked_for():
    with pytest.raises(InputError, match=r"no column 'guide'.*--prepare.pseudobulk-by"):
        find_targets(pd.DataFrame({"other": ["a"]}), "guide", None, genes=GENES)


def test_a_control_that_no_observation_has_is_refused_with_those_that_they_have():
    labels = pd.Series(["ctrl", "ctrl", "STAT1", None])
    with pytest.raises(InputError, match=r"No observation has the control 'NT'.*ctrl \(2\), STAT1 \(1\)"):
        check_labels(labels, "guide", "NT")
    check_labels(labels, "guide", "ctrl")
    check_labels(labels, "guide", None)
    check_labels(pd.Series(["STAT1;NT"]), "guide", "NT")
    check_labels(pd.Series(["STAT1", "NT", "AAVS1"]), "guide", "NT;AAVS1")
    with pytest.raises(InputError, match="the control 'AAVS1'"):
        check_labels(pd.Series(["STAT1", "NT"]), "guide", "NT;AAVS1")


def test_labels_that_name_no_target_are_refused_in_the_whole_and_told_in_a_group():
    for labels, control in ((["NT", "NT"], "NT"), (["", None], None)):
        with pytest.raises(InputError, match="No observation names a target in 'guide'"):
            check_labels(pd.Series(labels), "guide", control)
    with pytest.raises(InputError, match="No observation names a target"):
        as_perturbation(["", ""], 2)
    here = found(["NT"] * 12)
    assert not here.interventions.any
    assert here.warnings == ["None of these observations has a target, so no intervention says anything here."]


def test_a_gene_that_is_nearly_always_a_target_is_told():
    assert "nothing is left to find causes" in found(["STAT1"] * 30 + ["NT"] * 5).warnings[0]


def test_perturbation_is_one_text_for_each_observation():
    assert as_perturbation(["STAT1", None, float("nan"), ""], 4) == ["STAT1", "", "", ""]
    for wrong in ("STAT1", ["STAT1"]):
        with pytest.raises(InputError, match=r"one for each|for 4 observations"):
            as_perturbation(wrong, 4)


def test_targets_that_hardly_changed_are_told_the_idle_first():
    rows = [
        {"target": "A", "observations": 9, "shift": -2.0, "p": 1e-9, "firm": True},
        {"target": "B", "observations": 9, "shift": 0.1, "p": 0.7, "firm": False},
        {"target": "C", "observations": 9, "shift": -0.5, "p": 1e-3, "firm": False},
    ]
    idle, weak = effects_warnings(rows)
    assert idle.startswith("1 of 3 targets show no measurable change")
    assert "B (+0.10 sd, p = 0.7)" in idle
    assert "C (-0.50 sd)" in weak
    assert effects_warnings(rows[:1]) == []
