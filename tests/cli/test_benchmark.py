"""The command benchmark: its table, its answer for machines, and what it says to wrong words."""

import json

import pytest

from acyclome.cli import methods

SMALL = ["--d", "30", "--n", "300", "--seeds", "5,6", "--threads", "1"]
QUICK = ["--methods", "acyclome,random"]


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    """Let no peer be installed, whatever is here."""
    for peer in methods.PEERS.values():
        monkeypatch.setattr(type(peer), "is_installed", False)


def test_machines_get_every_trial_with_its_scores_and_cost(acyclome):
    code, text, error = acyclome("benchmark", *SMALL, "--json", "--quiet")
    assert (code, error) == (0, "")
    facts = json.loads(text)
    assert {row["method"] for row in facts["trials"]} == {"acyclome", *methods.SORTS}
    assert len(facts["trials"]) == 10
    assert all(row["status"] == "done" and row["seconds"] > 0 and row["peak_mb"] > 10 for row in facts["trials"])
    assert "GiB" in facts["machine"]
    assert len(facts["notes"]) == 2
    means = {
        name: sum(row["skeleton"] for row in facts["trials"] if row["method"] == name)
        for name in ("acyclome", *methods.SORTS)
    }
    assert max(means, key=means.get) == "acyclome"


def test_people_get_a_table_the_machine_and_what_was_left_out(acyclome):
    code, text, error = acyclome("benchmark", *SMALL, *QUICK)
    assert code == 0
    lines = text.splitlines()
    assert "er graphs, 2 edges per gene, 300 observations, standardised; means over 2 seeds" in lines[0]
    assert [line.split()[:2] for line in lines[4:6]] == [["30", "acyclome"], ["30", "random"]]
    assert "GiB" in lines[7]
    assert 'pip install "acyclome[bench]"' in text
    assert "benchmark" in error


def test_the_same_words_give_the_same_scores(acyclome):
    def scores():
        facts = json.loads(acyclome("benchmark", *SMALL, *QUICK, "--kind", "hub", "--json", "--quiet")[1])
        return [
            {k: v for k, v in row.items() if k not in ("seconds", "cpu_seconds", "peak_mb")} for row in facts["trials"]
        ]

    assert scores() == scores()


def test_a_method_over_its_time_is_ended_and_said_to_be(acyclome, monkeypatch):
    monkeypatch.setattr(methods, "sorted_edges", never_ends)
    code, text, _ = acyclome("benchmark", *SMALL, *QUICK, "--seeds", "5", "--limit", "4", "--quiet")
    assert code == 0
    assert "cut at 4 s" in text.splitlines()[5]
    assert text.splitlines()[4].endswith("done")


def test_a_baseline_whose_matrices_do_not_fit_is_not_tried(acyclome, monkeypatch):
    monkeypatch.setattr(methods, "machine_memory", lambda: 8 * 3 * 30**2 - 1)
    code, text, _ = acyclome("benchmark", *SMALL, *QUICK, "--quiet")
    assert code == 0
    assert text.splitlines()[4].endswith("done")
    assert text.splitlines()[5].endswith("not tried, too large for the memory")


def never_ends(*_):
    import time

    time.sleep(60)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--d", "1"], "--d 1 is no list of whole numbers from 2"),
        (["--d", "ten"], "--d 100,300"),
        (["--seeds", ""], "--seeds"),
        (["--methods", "ges"], "expected some of acyclome, equal-noise, variance"),
        (["--methods", "dagma"], 'DAGMA is not installed. Install it: pip install "acyclome[bench]"'),
        (["--kind", "ring"], "graph is 'ring'; choose one of er, scale-free, hub"),
        (["--n", "1"], "n is 1"),
        (["--device", "tpu"], "expected auto, cpu or cuda"),
        (["--limit", "0"], "--limit"),
    ],
)
def test_wrong_words_end_with_code_2_and_say_what_is_right(words, said, acyclome, monkeypatch):
    monkeypatch.setattr(methods, "warm_up", lambda: None)
    code, text, error = acyclome("benchmark", *words, "--quiet")
    assert (code, text) == (2, "")
    assert said in " ".join(error.split())
    assert len(error.splitlines()) <= 24
