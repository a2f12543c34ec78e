"""The relaxation in parts: the bits of one, whatever the number of parts, the model and the stepper."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.core.workers import one_blas_thread
from acyclome.pipeline.engine_settings import engine_settings

D, N = 40, 300


@dataclass
class Here:
    """Workers of this process, who write down how many parts they got."""

    count: int
    scattered: list = field(default_factory=list)

    def scatter(self, parts):
        self.scattered.append(len(parts))
        return parts

    def each(self, work, handles, arguments):
        return [work(part, *given) for part, given in zip(handles, arguments, strict=True)]


def assert_the_same_bits(lab, config, parts):
    problem, workers = lab.problem_of(lab.draw_linear(6, D, N, 2)[0]), Here(parts)
    settings = engine_settings(Config.from_mapping(config))
    with one_blas_thread():  # as a stage does; setting the limit anew takes longer than a step
        candidates = engine.screen(problem, replace(settings, climbing=None))
        whole, cut = (
            engine.relax(replace(problem, backend=ThreadBackend(workers=way)), candidates, settings, seed=3)
            for way in (None, workers)
        )
    assert workers.scattered == [min(parts, D)]
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1].W, cut[1].W)
    assert whole[1].path == cut[1].path


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
@pytest.mark.parametrize("noise", ["unequal", "equal"])
def test_parts_do_not_change_a_bit(lab, parts, noise):
    assert_the_same_bits(lab, {"score": {"noise": noise}}, parts)


@pytest.mark.parametrize("stepper", ["blocks", "adam", "lbfgs"])
@pytest.mark.parametrize("model", ["linear", "spline"])
def test_nor_do_they_with_any_stepper_and_any_model_that_can_be_cut(lab, model, stepper):
    config = {"model": model, "fit": {"relax": True, "stepper": stepper, "mu": [0.1], "max_steps": 2}}
    assert_the_same_bits(lab, config, 3)
