"""What a stage that is kept depends on."""

import pytest

from acyclome.config import Config
from acyclome.pipeline.keys import Key, Stage


def depends(stage, model, option, value):
    config = Config(model=model)
    return Key(stage).options(config) != Key(stage).options(config.with_options({option: value}))


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_depends_on_the_section_of_its_model_and_of_no_other(stage):
    assert depends(stage, "mlp", "mlp.units", 5)
    assert not depends(stage, "linear", "mlp.units", 5)
    assert not depends(stage, "mlp", "curves.degree", 5)
    assert depends(stage, "polynomial", "curves.degree", 5)


def test_a_choice_depends_on_what_any_model_reads():
    for option, value in {"mlp.units": 5, "glm.family": "poisson", "curves.of": "index", "fit.relax": True}.items():
        assert depends(Stage.CHOOSE, "auto", option, value)
    assert not depends(Stage.CHOOSE, "auto", "resample.resamples", 3)


def test_resamples_go_on_where_only_the_relaxation_changed():
    assert depends(Stage.FIT, "linear", "fit.lambda1", 0.1)
    assert not depends(Stage.RESAMPLE, "linear", "fit.lambda1", 0.1)
