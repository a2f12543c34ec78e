"""Options of the command line and of the configuration are one thing."""

import pytest

from acyclome import cli
from acyclome.cli.options import RunOptions, parse_memory, read_config, science_options
from acyclome.config import SHORT, Config
from acyclome.errors import ConfigError, EarlierNameWarning, InputError
from acyclome.options import texts

PARTS = {f"{section}.{name}".lstrip("."): part for section, name, part in texts.leaves(Config.json_schema())}


def config(config_file=None, **typed):
    return read_config(config_file, typed)


def test_every_option_of_the_configuration_is_an_option_under_its_section_with_its_text():
    options = {option.name: option for option in science_options()}
    assert len(options) == len(PARTS) + 2  # and --preset and --config
    for path, part in PARTS.items():
        option = options[path.replace(".", "__")]
        assert f"--{path.replace('_', '-')}" in option.opts
        assert " ".join(part["description"].split()) in option.help


def test_exactly_twenty_options_of_science_go_without_their_section():
    known = (
        "layer genes-as gene-names group-by perturbation control min-cells n-top-genes covariates regulators knowledge"
    )
    words = {word for option in science_options() for word in option.opts if "." not in word}
    known += " knowledge confounding activity missing model noise resamples shards seed preset config"
    assert words == {f"--{name}" for name in known.split()}
    assert len(SHORT) == 17


@pytest.mark.parametrize("name", ["run", "plan", "demo", "prepare"])
def test_commands_that_take_a_file_of_data_take_all_options_of_science(name):
    options = {parameter.name for parameter in cli.build_app().commands[name].params}
    assert options >= {option.name for option in science_options()} | set(RunOptions.__dataclass_fields__)


def test_without_options_the_configuration_is_the_default():
    assert config() == Config()


def test_every_default_can_be_typed_and_gives_the_default():
    typed = {}
    for path in PARTS:
        section, _, name = path.rpartition(".")
        value = getattr(getattr(Config(), section) if section else Config(), name)
        if isinstance(value, tuple):
            typed[path.replace(".", "__")] = (",".join(map(str, value)),)
        elif isinstance(value, bool):
            typed[path.replace(".", "__")] = str(value).lower()
        else:
            typed[path.replace(".", "__")] = "" if value is None else str(value)
    assert config(**typed) == Config()


@pytest.mark.parametrize(
    ("typed", "section", "expected"),
    [
        ({"resample__resamples": "7"}, "resample", {"resamples": 7}),
        ({"screen__shrinkage": "1e-3"}, "screen", {"shrinkage": 0.001}),
        ({"screen__augment": "false"}, "screen", {"augment": False}),
        ({"prepare__normalize": "False", "prepare__log": "auto"}, "prepare", {"normalize": False, "log": "auto"}),
        ({"fit__relax": "false"}, "fit", {"relax": False}),
        ({"fit__mu": ("1,0.5", ".1")}, "fit", {"mu": (1.0, 0.5, 0.1)}),
        ({"prepare__covariates": ("batch, sex", "3")}, "prepare", {"covariates": ("batch", "sex", "3")}),
        ({"prepare__target_sum": "none"}, "prepare", {"target_sum": None}),
        ({"input__layer": "none"}, "input", {"layer": "none"}),
        ({"input__layer": "3"}, "input", {"layer": "3"}),
        ({"score__noise": "equal"}, "score", {"noise": "equal"}),
    ],
)
def test_what_is_typed_gets_the_kind_that_the_configuration_expects(typed, section, expected):
    part = getattr(config(**typed), section)
    assert {name: getattr(part, name) for name in expected} == expected


def test_options_override_the_file_and_leave_the_rest_of_it(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("resample: {resamples: 5, fraction: 0.7}\nseed: 3\n")
    found = config(path, resample__resamples="9")
    assert (found.resample.resamples, found.resample.fraction, found.seed) == (9, 0.7, 3)


def test_a_value_out_of_range_names_the_option_and_what_it_may_be():
    with pytest.raises(ConfigError, match=r"prepare.min_cells = -1 is not allowed; expected a whole number from 0"):
        config(prepare__min_cells="-1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resample:\n  resample: 3\n", "resample.resample = 3 is not an option"),
        ("resample: {resamples: [1\n", "this is not YAML"),
        ("resample:\n  resamples: 1.5\n", "a whole number from 0"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong_in_it(text, expected, tmp_path, acyclome):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    code, _, error = acyclome("run", "x.h5ad", "-o", tmp_path / "out", "--config", path)
    assert code == 2
    assert "wrong.yaml" in error
    assert expected in " ".join(error.split())
    assert len(error.splitlines()) <= 25
    assert not (tmp_path / "out").exists()


def test_a_missing_configuration_file_is_bad_input(tmp_path, acyclome):
    code, _, error = acyclome("run", "x.h5ad", "-o", tmp_path / "out", "--config", tmp_path / "none.yaml")
    assert code == 2
    assert "none.yaml" in error


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8 * 2**30), ("500 MB", 500 * 2**20), ("1.5t", 3 * 2**39), ("2GiB", 2**31), (None, None)]
)
def test_memory_is_read_with_its_unit(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["8", "lots", "8XB", "-3GB", ""])
def test_memory_without_sense_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="such as 8GB"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("words", "path", "value", "today"),
    [
        (["--lambda1", "0.1"], "fit.lambda1", "0.1", "--fit.lambda1"),
        (["--lambda1=0.1"], "fit.lambda1", "0.1", "--fit.lambda1"),
        (["--shard-memory", "20"], "shard.shard_memory", "20", "--shard.shard-memory"),
        (["--restarts", "0"], "search.perturbations", "0", "--search.perturbations"),
        (["--score.restarts", "0"], "search.perturbations", "0", "--search.perturbations"),
        (["--climb.shortlist", "4"], "search.shortlist", "4", "--search.shortlist"),
        (["--no-checks"], "validation.checks", "false", "--validation.checks false"),
        (["--checks", "--seed", "3"], "validation.checks", "true", "--validation.checks true"),
        (["--no-augment", "--validation.checks", "false"], "screen.augment", "false", "--screen.augment false"),
        (["--joint", "false"], "input.joint", "false", "--input.joint"),
        (["--log", "no"], "prepare.log", "no", "--prepare.log"),
    ],
)
def test_options_are_taken_as_they_were_spelled_before_with_a_warning(words, path, value, today):
    command = cli.build_app().commands["run"]
    with pytest.warns(EarlierNameWarning, match=f"{words[0].partition('=')[0]} is deprecated .* write {today}[.]"):
        context = command.make_context("run", ["x.h5ad", "-o", "out", *words])
    assert context.params[path.replace(".", "__")] == value
