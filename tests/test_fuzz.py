"""Some damaged inputs of every road that reads: read or refused; no signal, no hang, no traceback, nothing executed.

`make fuzz` tries thousands of each.
"""

import pytest
from benchmarks.fuzzing.pool import Corpus, outcomes
from benchmarks.fuzzing.roads import ROADS

INPUTS = 10
RUNS = ("stages", "runs")  # whose corpus is a run


@pytest.mark.parametrize("road", [road for road in ROADS if road not in RUNS])
def test_a_damaged_input_is_read_or_refused(road, tmp_path):
    found = list(outcomes(road, range(INPUTS), 1, tmp_path))
    assert len(found) == INPUTS
    assert [one for one in found if one.is_fault] == []
    assert any(one.end == "refused" for one in found)


@pytest.mark.parametrize("road", RUNS)
def test_a_damaged_run_is_read_or_refused(road, tmp_path):
    found = list(outcomes(road, range(2 * INPUTS), 1, tmp_path))
    assert [one for one in found if one.is_fault] == []


def test_what_a_child_does_not_survive_is_told_and_the_next_goes_on(tmp_path, monkeypatch):
    import os
    import signal

    def deadly(self, number):
        if number == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return real(self, number)

    real = Corpus.outcome
    monkeypatch.setattr(Corpus, "outcome", deadly)
    found = list(outcomes("configs", range(4), 1, tmp_path))
    assert [one.number for one in found] == [0, 1, 2, 3]
    assert [(one.end, one.about) for one in found if one.is_fault] == [("signal", "SIGSEGV")]


@pytest.mark.parametrize("road", ["configs", "tables"])
def test_the_number_and_the_seed_are_all_that_an_input_is_made_of(road, tmp_path):
    made = [Corpus(road, tmp_path / name, 3).input(7).read_bytes() for name in ("a", "b")]
    assert made[0] == made[1]
    assert made[0] != Corpus(road, tmp_path / "a", 3).input(8).read_bytes()
