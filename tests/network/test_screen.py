"""Predictions that were checked on held-out targets, and what is said where they have no skill."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import acyclome as ac
from acyclome.errors import InputError
from acyclome.network.predict import statement
from acyclome.network.screen import MEAN, NETWORK, PAIR

GENES = [f"G{j}" for j in range(24)]
TARGETS = [f"G{j}" for j in range(0, 16, 2)]


def drawn(effect, seed=7):
    """G0 -> G1, G2 -> G3, ...; every knock-down shifts the last four genes too; X1 acts on nothing that is measured."""
    rng = np.random.default_rng([0x5C, seed])
    told = np.array([""] * 300 + [name for name in [*TARGETS, "X1", "X2", "X3"] for _ in range(40)])
    X = rng.normal(size=(len(told), len(GENES)))
    for j in range(0, 24, 2):
        X[told == GENES[j], j] = -2.0 + 0.3 * X[told == GENES[j], j]
        X[:, j + 1] += effect * X[:, j]
    X[told != "", 20:] += 1.0
    return X, told


@pytest.fixture(scope="module")
def screens():
    nets = {}
    for name, effect in (("known", 1.5), ("idle", 0.0)):
        X, told = drawn(effect)
        nets[name] = ac.learn(X, GENES, perturbation=list(told), resamples=4, seed=3, threads=1)
    return nets


def changes(table):
    return table.set_index("gene")["change"]


def test_an_unseen_target_gets_what_the_network_and_the_other_targets_say(screens):
    table = screens["known"].predict(perturb="G16")
    found = changes(table)
    assert table.attrs["basis"] == f"{MEAN} + {NETWORK}"
    assert found["G17"] == pytest.approx(-2.0 * 1.5 / np.hypot(1, 1.5), rel=0.25)
    assert 0.5 < found["G20"] < 1.0  # of .9, to which as many targets as these are drawn only so far
    assert abs(found["G15"]) < 0.25
    row = table.set_index("gene").loc["G17"]
    assert row["low"] < row["change"] < row["high"]
    assert 0.8 < table.attrs["coverage_of_90"] < 0.98
    assert table.attrs["squared_error_of_no_change"] < 0.5
    assert changes(screens["known"].predict(knockout="G16"))["G20"] == pytest.approx(found["G20"])


def test_a_network_without_skill_says_nothing(screens):
    table = screens["idle"].predict(knockout="G16")
    assert table.attrs["basis"] == MEAN
    assert table["agreement"].isna().all()
    assert set(table["basis"]) == {"acted on", MEAN}
    assert changes(table)["G17"] == pytest.approx(0.0, abs=0.2)


def test_where_nothing_is_foreseen_no_change_is_the_answer_and_it_is_said(screens):
    net = screens["idle"]
    rng = np.random.default_rng(3)
    itself = [[gene == targets for gene in GENES] for targets in net.treatments["targets"]]
    noise = [np.where(at, -2.0, rng.normal(size=len(GENES))) for at in itself]
    table = replace(net, treatments=net.treatments.assign(change=noise)).predict(knockout="G16")
    assert table.attrs["basis"] == "no change"
    assert np.all(changes(table).drop("G16") == 0)
    assert "No skill" in statement(table)
    assert table.attrs["squared_error_of_no_change"] == 1.0
    width = (table["high"] - table["low"])[1:]
    assert width.mean() == pytest.approx(2 * 1.645, rel=0.15)  # which holds nine tenths of such noise


def test_targets_that_are_not_measured_have_effects(screens):
    found = changes(screens["known"].predict(perturb="X1"))
    assert found["G20"] == pytest.approx(1 / np.sqrt(1 + 0.25), rel=0.3)
    assert np.abs(found[GENES[:20]]).max() < 0.6
    assert screens["known"].treatments["targets"].tolist() == [*sorted(TARGETS), "X1", "X2", "X3"]


def test_targets_that_are_measured_and_others_are_each_told_by_their_own_kind(screens):
    rng, known = np.random.default_rng(5), screens["known"].treatments
    like = known[known["targets"] == "X1"].iloc[0]
    others = pd.DataFrame([{**like, "targets": f"Y{k}", "change": 0.3 * rng.normal(size=24)} for k in range(12)])
    measured = known[known["targets"].str.startswith("G")]
    net = replace(screens["known"], treatments=pd.concat([measured, others], ignore_index=True))
    assert net.predict(perturb="Z").attrs["basis"] == "no change"
    assert changes(net.predict(perturb="G16"))["G20"] > 0.2
    assert net.predict(perturb="Z").attrs["held_out"] == 12
    few = replace(net, treatments=pd.concat([measured, others[:3]], ignore_index=True))
    assert few.predict(perturb="Z").attrs["held_out"] == 11


def test_a_target_that_nobody_knows_is_taken_for_any_other_and_that_is_said(screens):
    table = screens["known"].predict(perturb="X4")
    assert changes(table)["G20"] == pytest.approx(1 / np.sqrt(1 + 0.25), rel=0.3)
    assert "X4: neither a gene nor a target" in statement(table)


def test_a_network_says_of_a_target_what_it_would_had_its_observations_never_been(screens):
    X, told = drawn(1.5)
    X[told == "G4", 5:] += 3.0  # what its knock-downs did to others
    again = ac.learn(X, GENES, perturbation=list(told), resamples=4, seed=3, threads=1)
    said = [
        np.concatenate(net.treatments.set_index("targets").loc[["G4"], "network"].to_list())
        / net.treatments.set_index("targets").loc["G4", "change"][4]
        for net in (screens["known"], again)
    ]
    np.testing.assert_allclose(said[0], said[1], rtol=1e-5)


def test_pairs_that_were_never_seen_are_put_together_as_those_seen_were():
    rng = np.random.default_rng(11)
    X, told = drawn(1.5)
    more, label = [], []
    for a, b in [(0, 2), (4, 6), (8, 10), (12, 14), (2, 4), (6, 8)]:
        part = rng.normal(size=(40, 24))
        part[:, [a, b]] = -2.0
        part[:, 1::2] += 1.5 * part[:, ::2]
        part[:, 20:] += 1.0  # once, not twice
        more.append(part)
        label += [f"G{a};G{b}"] * 40
    net = ac.learn(np.concatenate([X, *more]), GENES, perturbation=[*told, *label], resamples=4, seed=3, threads=1)
    table = net.predict(perturb=["G0", "G12"])
    found, one = changes(table), changes(net.predict(perturb="G0"))
    assert net.screen.stacks[PAIR].treatments == table.attrs["held_out"] == 6
    assert found["G1"] == pytest.approx(one["G1"], rel=0.3)
    assert found["G13"] < -0.9
    assert found["G20"] == pytest.approx(one["G20"], rel=0.3)
    error = net.facts["prediction"][PAIR]["squared_error"]
    assert error["chosen"] < min(error[name] for name in ("no change", MEAN, "sum of both"))


def test_a_shift_of_half_the_dose_changes_half_as_much(screens):
    net = screens["known"]
    dose = float(net.screen.dose[16])
    whole, half = (changes(net.predict(shift={"G16": share * dose})).drop("G16") for share in (1.0, 0.5))
    np.testing.assert_allclose(half, whole / 2, atol=1e-12)
    width = [
        (table["high"] - table["low"]).sum()
        for table in (net.predict(shift={"G16": share * dose}) for share in (1.0, 0.5, 0.0))
    ]
    assert width[0] > width[1] > width[2] == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"perturb": "G16", "knockout": "G1"}, "perturb goes alone"),
        ({"perturb": ["G0", "G0"]}, "more than once"),
        ({"perturb": "G16", "interval": 0.0}, "interval = 0.0"),
    ],
)
def test_what_cannot_be_answered_is_said(screens, asked, said):
    with pytest.raises(InputError, match=said):
        screens["known"].predict(**asked)


def test_without_a_screen_nothing_was_checked_and_that_is_said():
    X, told = drawn(1.5)
    net = ac.learn(X[told == ""], GENES, resamples=4, seed=3, threads=1)
    assert "Not checked" in statement(net.predict(knockout="G0"))
    with pytest.raises(InputError, match="no treatments"):
        net.predict(perturb="G0")


def test_a_folder_and_the_command_give_the_same_answer(screens, tmp_path, capsys):
    from acyclome.cli import main

    ac.write(screens["known"], tmp_path / "out")
    again = ac.read(tmp_path / "out")
    for asked in ({"perturb": "G16"}, {"knockout": "G16"}, {"perturb": ["G0", "X1"]}):
        pd.testing.assert_frame_equal(again.predict(**asked), screens["known"].predict(**asked))
    assert main(["predict", str(tmp_path / "out"), "--perturb", "G16"]) == 0
    assert "Checked on 8 held-out perturbations" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "out"), "--perturb", "G16", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["checked"]["held_out"] == 8


def test_treatments_of_another_network_are_refused(screens):
    net = screens["known"]
    short = net.treatments.assign(change=[values[:-1] for values in net.treatments["change"]])
    with pytest.raises(InputError, match="holds 23 values in 'change' for 24 genes"):
        replace(net, treatments=short)
