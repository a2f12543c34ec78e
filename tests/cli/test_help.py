"""Help of one screen, examples that can be typed, and presets."""

import pytest

from acyclome import cli
from acyclome.cli import help as help_texts
from acyclome.cli.options import read_config
from acyclome.config import Config
from acyclome.options.presets import PRESETS

COMMANDS = cli.build_app().commands
SCREEN = 45  # lines at 80 columns, where a terminal is narrow; at 110 the longest has 36
MANY = {"run", "plan", "demo", "prepare", "simulate"}  # commands that have more options than fit there


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_screen_and_says_where_the_rest_is(name, acyclome):
    code, text, _ = acyclome(name, "--help")
    assert code == 0
    assert len(text.splitlines()) <= SCREEN
    assert "Examples:" in text
    assert (f"acyclome {name} --help-all\n" in text) == (name in MANY)
    _, whole, _ = acyclome(name, "--help-all")
    assert (len(whole) > 4 * len(text)) == (name in MANY - {"simulate"})


@pytest.mark.parametrize(
    ("name", "words"), [(name, words) for name in COMMANDS for words in help_texts.EXAMPLES.get(name, ())]
)
def test_every_example_can_be_typed(name, words):
    first, *rest = words.split()
    assert first == name
    assert COMMANDS[name].make_context(name, rest).params


def test_every_command_has_examples_and_an_answer_for_machines():
    shown = {option.name for option in COMMANDS["run"].params}
    assert set(help_texts.SHOWN) <= shown
    assert [name for name in COMMANDS if "json" not in {option.name for option in COMMANDS[name].params}] == []
    assert set(help_texts.EXAMPLES) == set(COMMANDS)
    for name, left_out in help_texts.LEFT_OUT.items():
        assert set(left_out) <= {option.name for option in COMMANDS[name].params}


def test_brief_help_has_the_first_sentence_and_no_second_name(acyclome):
    _, text, _ = acyclome("run", "--help")
    flat = " ".join(text.split())
    assert "--layer VALUE Matrix to read: X, raw, or the name of a layer. --group-by" in flat
    assert "--knowledge VALUE Table of edges. --model" in flat
    assert "--preset [quick|paper] For a first look, or for a paper. --config" in flat


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_options_that_exist_and_those_that_are_typed_override_it(name, tmp_path):
    plain = Config().with_options(PRESETS[name])
    assert read_config(None, {"preset": name}) == plain != Config()
    assert read_config(None, {"preset": name, "resample__resamples": "7"}).resample.resamples == 7
    path = tmp_path / "options.yaml"
    path.write_text("resample: {resamples: 5, fraction: 0.7}\n")
    found = read_config(path, {"preset": name}).resample
    assert (found.resamples, found.fraction) == (PRESETS[name]["resample.resamples"], 0.7)
