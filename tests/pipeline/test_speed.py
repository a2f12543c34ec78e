"""The speed of the machine: what is measured, kept, and makes of a plan."""

import json
from dataclasses import asdict, replace

import pytest

from acyclome.config import Config
from acyclome.errors import InputError
from acyclome.pipeline import speed
from acyclome.pipeline.durations import REFERENCE
from acyclome.pipeline.resources import estimate


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ACYCLOME_SPEED", str(tmp_path / "kept/speed.json"))
    return tmp_path / "kept/speed.json"


def test_without_a_measurement_rates_are_those_of_reference():
    assert speed.known_rates() is REFERENCE


def test_what_is_kept_is_known(place):
    fast = replace(REFERENCE, moves=1.5 * REFERENCE.moves)
    assert speed.keep(fast) == fast == speed.known_rates()
    assert json.loads(place.read_text()) == asdict(fast)


EACH = asdict(REFERENCE)
WRONG = {"gram": 0}, {"gram": True}, {"gram": "fast"}, {"gram": None}, {"gram": 10**400}, {"speed": 2.0}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"gram": 1e9}', *(json.dumps(EACH | wrong) for wrong in WRONG)])
def test_what_is_no_measurement_is_refused_with_the_way_out(place, text):
    place.parent.mkdir()
    place.write_text(text)
    with pytest.raises(InputError, match="acyclome doctor --speed"):
        speed.known_rates()


def test_a_machine_twice_as_fast_takes_half_of_the_time_to_learn():
    config = Config.from_mapping({"resample": {"resamples": 0}, "validation": {"checks": False}})
    double = type(REFERENCE)(**{name: 2 * rate for name, rate in asdict(REFERENCE).items()})
    one, two = (estimate(4000, 1000, config, threads=1, rates=rates)["seconds"] for rates in (REFERENCE, double))
    for stage in ("prepare", "confounding", "fit", "order"):
        assert two[stage] == pytest.approx(one[stage] / 2, abs=0.1)  # they are rounded
    assert two["report"] == one["report"]


def test_a_measurement_has_every_rate(monkeypatch):
    for name, small in {"GENES": 30, "OBSERVATIONS": 60, "ROUNDS": 2, "SIDE": 32}.items():
        monkeypatch.setattr(speed, name, small)
    assert all(rate > 0 for rate in asdict(speed.measure()).values())
