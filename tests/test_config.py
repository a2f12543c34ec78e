"""The options: defaults, ranges, messages, and the texts made from them."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from acyclome.config import Config, main
from acyclome.errors import ConfigError, EarlierNameWarning
from acyclome.options import texts


def message(options):
    with pytest.raises(ConfigError) as found:
        Config.from_mapping(options)
    return str(found.value)


def test_an_unknown_key_is_named_with_value_guess_and_what_is_allowed():
    text = message({"screen": {"forwardsteps": 3}})
    assert "screen.forwardsteps = 3 is not an option" in text
    assert "Did you mean screen.forward_steps?" in text
    assert "forward_steps, partial, shrinkage, max_candidates, augment" in text


@pytest.mark.parametrize(
    ("options", "guess"),
    [
        ({"fit": {"gamma": 1}}, "score.gamma"),
        ({"resamples": 3}, "resample.resamples"),
        ({"scren": {}}, "screen"),
        ({"input": {"groupby": "x"}}, "input.group_by"),
        ({"score": {"lambda": 0.1}}, "fit.lambda1"),
    ],
)
def test_the_nearest_key_is_suggested_wherever_it_lives(options, guess):
    assert f"Did you mean {guess}?" in message(options)


def test_a_key_like_nothing_gets_no_guess():
    assert "Did you mean" not in message({"qqqqqq": 1})


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"fit": {"lambda1": -1}}, ("fit.lambda1 = -1", "from 0 to 1", "default 0.05")),
        ({"fit": {"lambda1": "1e-3"}}, ('fit.lambda1 = "1e-3"', "a number from 0 to 1")),
        ({"score": {"noise": "eqal"}}, ('score.noise = "eqal"', "unequal or equal")),
        ({"prepare": {"normalize": "yes"}}, ('prepare.normalize = "yes"', "auto, true or false")),
        ({"prepare": {"metacells": 1}}, ("prepare.metacells = 1", "from 2 or empty")),
        ({"prepare": {"min_cells": True}}, ("prepare.min_cells = true", "whole number")),
        ({"prepare": {"min_cells": 2.5}}, ("prepare.min_cells = 2.5", "whole number")),
        ({"input": {"group": 3}}, ("input.group = 3", "Write it in quotes")),
        ({"fit": {"mu": [1, "a"]}}, ('fit.mu = [1, "a"]', "list of numbers above 0")),
        ({"fit": {"mu": []}}, ("fit.mu = []", "list of numbers above 0")),
        ({"fit": {"mu": [1, 2]}}, ("fit: mu must fall",)),
        ({"score": {"gamma": float("nan")}}, ("score.gamma = NaN", "from 0 to 10")),
        ({"screen": 4}, ("screen = 4 is not a section", "forward_steps")),
        ({"input": {"group": "B"}}, ("group_by",)),
        ({"prepare": {"metacells": 20, "pseudobulk_by": "donor"}}, ("give one of them",)),
        ({"screen": {"forward_steps": 0, "partial": 0}}, ("both 0",)),
        ({"screen": {"max_candidates": 5}}, ("max_candidates is smaller",)),
        ({"seed": 2**32}, ("seed = 4294967296", "to 4294967295")),
    ],
)
def test_a_value_out_of_range_is_named_with_key_value_and_range(options, parts):
    text = message(options)
    assert all(part in text for part in parts), text


def test_all_wrong_options_are_named_at_once_on_one_screen():
    text = message({"fit": {"lambda1": -1, "terms": 1, "bad": 0}, "score": {"gamma": -1}, "seed": -1, "a": 1, "b": 2})
    assert len(text.splitlines()) == 6
    assert text.splitlines()[-1] == "... and 2 more."


def test_the_constructor_gives_the_same_error_as_a_mapping():
    with pytest.raises(ConfigError, match=r"score\.gamma = -1"):
        Config(score={"gamma": -1})


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Config().seed = 1


def test_contract_defaults():
    config = Config()
    assert (config.prepare.min_cells, config.prepare.target_sum, config.prepare.transform) == (10, 10_000.0, "auto")
    assert (config.screen.forward_steps, config.screen.partial, config.screen.max_candidates) == (10, 10, 48)
    assert (config.fit.terms, config.fit.lambda1, config.fit.mu) == (8, 0.05, (0.1, 0.01, 0.001, 0.0003))
    assert (config.score.noise, config.score.gamma, config.search.perturbations) == ("unequal", 1.0, 1)
    assert (config.resample.resamples, config.resample.fraction, config.seed, config.model) == (20, 0.5, 0, "linear")


@pytest.mark.parametrize(
    ("options", "today"),
    [
        ({"climb": {"shortlist": 4}}, {"search": {"shortlist": 4}}),
        ({"climb": {"shortlist": 4}, "search": {"expanded": 3}}, {"search": {"shortlist": 4, "expanded": 3}}),
        ({"climb": None}, {}),
        ({"score": {"restarts": 3, "gamma": 0.5}}, {"search": {"perturbations": 3}, "score": {"gamma": 0.5}}),
        ({"score": {"restarts": 3}, "search": None}, {"search": {"perturbations": 3}}),
        ({"believe": {"checks": False}}, {"validation": {"checks": False}}),
    ],
)
def test_an_earlier_name_works_and_is_warned_of(options, today):
    with pytest.warns(EarlierNameWarning, match=r"is deprecated .*; write (search|validation)"):
        assert Config.from_mapping(options) == Config.from_mapping(today)


@pytest.mark.filterwarnings("ignore::acyclome.errors.EarlierNameWarning")
@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"climb": {"shortlist": 4}, "search": {"shortlist": 5}}, "both are given; keep search.shortlist"),
        ({"climb": {"shortlst": 4}}, "Did you mean search.shortlist"),
        ({"climb": 4}, "search = 4 is not a section"),
        ({"score": {"restarts": -1}}, "search.perturbations = -1 is not allowed"),
    ],
)
def test_what_is_wrong_under_an_earlier_name_is_wrong_under_that_of_today(options, text):
    assert text in message(options)


def test_a_whole_number_may_be_written_with_an_exponent():
    config = Config.from_mapping({"prepare": {"n_top_genes": 2e3, "target_sum": 1e4}, "seed": 1e2})
    assert (config.prepare.n_top_genes, config.seed, config.prepare.target_sum) == (2000, 100, 1e4)
    assert type(config.prepare.n_top_genes) is int
    assert "expected a whole number" in message({"seed": 1.5})


def test_options_can_be_given_by_section_and_dot():
    config = Config().with_options({"resample.resamples": 0, "seed": 3, "prepare.covariates": ["batch"]})
    assert (config.resample.resamples, config.seed, config.prepare.covariates) == (0, 3, ("batch",))
    assert Config().with_options({}) == Config()
    with pytest.warns(EarlierNameWarning, match="climb.shortlist is deprecated .* write search.shortlist"):
        assert Config().with_options({"climb.shortlist": 4}).search.shortlist == 4
    for wrong, text in (
        ("resample.resample_s", r"Did you mean resample\.resamples"),
        ("resamples", r"Did you mean resample\.resamples"),
        ("seed.resamples", "seed is no section"),
    ):
        with pytest.raises(ConfigError, match=text):
            Config().with_options({wrong: 0})


def every_property(schema):
    for part in (schema, *schema["$defs"].values()):
        yield from part["properties"].items()


def test_every_property_of_the_schema_has_a_description():
    for name, part in every_property(Config.json_schema()):
        assert part.get("description"), name


def test_a_schema_that_was_changed_is_whole_when_it_is_asked_for_again():
    Config.json_schema()["properties"].clear()
    assert "model" in Config.json_schema()["properties"]


def test_the_default_passes_the_published_schema_and_wrong_ones_do_not():
    import jsonschema

    schema = Config.json_schema()
    jsonschema.validate(Config().model_dump(mode="json"), schema)
    for wrong in ({"fit": {"lambda1": -1}}, {"fits": {}}, {"fit": {"mu": [0]}}, {"prepare": {"metacells": 1}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_schema_table_yaml_and_options_are_in_step():
    options = Config().model_dump()
    sections = {key: value for key, value in options.items() if isinstance(value, dict)}
    keys = {f"{section}.{name}" for section, content in sections.items() for name in content}
    keys |= options.keys() - sections.keys()
    rows = {line.split("`")[1] for line in Config.table().splitlines()[2:]}
    assert rows == keys
    text = Config.default_yaml()
    assert YAML(typ="safe").load(text) == Config().model_dump(mode="json")
    assert {f"{home}.{name}" if home else name for home, name, _ in texts.leaves(Config.json_schema())} == keys
    assert all(len(line) <= 120 for line in text.splitlines())


def test_table_has_five_cells_in_every_row():
    for line in Config.table().splitlines():
        assert line.replace(r"\|", "").count("|") == 6


def test_yaml_keeps_defaults_for_what_it_leaves_out(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("screen:\nfit:\n  drop_tol: 1e-4\n  mu: [1, 0.5]\n")
    config = Config.from_yaml(path)
    assert (config.fit.drop_tol, config.fit.mu, config.screen) == (1e-4, (1.0, 0.5), Config().screen)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("fit: {lambda1: 3}", "fit.lambda1 = 3"),
        ("a: [1", "not YAML"),
        ("- 1\n- 2\n", "expected sections"),
        ("seed: 1\nseed: 2\n", 'line 2: found duplicate key "seed"'),
    ],
)
def test_a_wrong_file_is_named_in_the_message(tmp_path, text, part):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as found:
        Config.from_yaml(path)
    assert part in str(found.value)


def test_a_missing_file_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.from_yaml(tmp_path / "none.yaml")


def test_an_empty_file_means_all_defaults(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("# nothing\n")
    assert Config.from_yaml(path) == Config()


@given(
    seed=st.integers(0, 2**32 - 1),
    gamma=st.floats(0, 10),
    mu=st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=6, unique=True).map(lambda mu: sorted(mu)[::-1]),
    log=st.sampled_from(["auto", True, False]),
    layer=st.none() | st.text(max_size=20),
)
def test_json_round_trip_keeps_every_option(seed, gamma, mu, log, layer):
    config = Config(seed=seed, score={"gamma": gamma}, fit={"mu": mu}, prepare={"log": log}, input={"layer": layer})
    assert Config.from_mapping(json.loads(config.model_dump_json())) == config


def test_module_writes_the_three_texts(capsys):
    for name, expected in (("table", Config.table()), ("yaml", Config.default_yaml())):
        assert main([name]) == 0
        assert capsys.readouterr().out == expected
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == Config.json_schema()
    assert main(["nothing"]) == 2


def test_module_runs_as_a_command():
    command = [sys.executable, "-m", "acyclome.config", "yaml"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout == Config.default_yaml()


HOSTILE = {
    "billions of laughs": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        "holds itself, or more values",
    ),
    "itself": ("prepare: &a\n  covariates: *a\n", "holds itself"),
    "a list of itself": ("&a [*a]\n", "holds itself"),
    "a thousand lists": ("seed: " + "[" * 5000 + "]" * 5000, "holds itself"),
    "ten thousand digits": ("seed: " + "9" * 10_000, "this is not YAML"),
    "two megabytes": ("# " + "x" * 2**21, "2,097,154 bytes, so it is none"),
    "code": ("seed: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_configuration_is_refused_at_once(case, tmp_path):
    content, said = HOSTILE[case]
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(ConfigError) as found:
        Config.from_yaml(tmp_path / "mine.yaml")
    assert said in str(found.value)
    assert len(str(found.value)) < 900


def test_a_configuration_that_is_a_pipe_is_not_opened(tmp_path):
    import os

    os.mkfifo(tmp_path / "mine.yaml")
    with pytest.raises(ConfigError, match="a pipe or a device"):
        Config.from_yaml(tmp_path / "mine.yaml")


def test_aliases_of_a_usual_size_are_read(tmp_path):
    (tmp_path / "mine.yaml").write_text("score: {gamma: &one 1.5}\nprepare: {target_sum: *one}\n")
    assert Config.from_yaml(tmp_path / "mine.yaml").prepare.target_sum == 1.5


def test_options_may_be_numbers_and_lists_of_numpy():
    config = Config.from_mapping({"seed": np.int64(3), "score": {"gamma": np.float32(0.5)}})
    assert (config.seed, config.score.gamma) == (3, 0.5)
    config = config.with_options({"prepare.covariates": np.array(["batch"]), "resample.resamples": np.int32(0)})
    assert (config.prepare.covariates, config.resample.resamples) == (("batch",), 0)


def test_groups_of_one_target_each_are_refused():
    with pytest.raises(ConfigError, match=r"'guide' is input\.perturbation and input\.group_by"):
        Config.from_mapping({"input": {"perturbation": "guide", "group_by": "guide"}})


def test_what_was_acted_on_is_no_covariate_as_well():
    with pytest.raises(ConfigError, match=r"'guide' is input\.perturbation and one of prepare\.covariates"):
        Config.from_mapping({"input": {"perturbation": "guide"}, "prepare": {"covariates": ["batch", "guide"]}})
