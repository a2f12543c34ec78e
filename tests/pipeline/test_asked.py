"""Options of a call: arguments over a mapping, over a preset."""

import pytest

from acyclome.config import Config
from acyclome.errors import ConfigError
from acyclome.options.presets import PRESETS
from acyclome.pipeline.asked import asked_for


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_what_the_command_line_makes_of_it(name):
    assert asked_for(None, name, {"seed": None}) == Config().with_options(PRESETS[name])


def test_a_mapping_goes_over_the_preset_and_arguments_over_both():
    mapping = {"resample": {"fraction": 0.4, "resamples": 3}, "model": "glm"}
    found = asked_for(mapping, "quick", {"seed": 2, "input.layer": None})
    assert (found.resample.resamples, found.resample.fraction, found.search.perturbations) == (3, 0.4, 0)
    assert (found.model, found.seed, found.input.layer) == ("glm", 2, None)
    assert asked_for(mapping, "quick", {"resample.resamples": 7}).resample.resamples == 7


def test_an_unknown_preset_and_one_beside_a_whole_configuration_are_refused():
    with pytest.raises(ConfigError, match="quick, paper"):
        asked_for(None, "fast", {})
    with pytest.raises(ConfigError, match="as a mapping"):
        asked_for(Config(), "quick", {})
