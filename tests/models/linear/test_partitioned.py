"""The relaxation in parts: the bits of one, whatever the number of parts."""

from dataclasses import replace

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core import engine
from acyclome.core.backend import ThreadBackend
from acyclome.models.linear.partitioned import Parted, deal_out
from acyclome.pipeline.engine_settings import engine_settings

D, N = 40, 300


def here(work, parts, arguments):
    return [work(part, *given) for part, given in zip(parts, arguments, strict=True)]


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
@pytest.mark.parametrize("noise", ["unequal", "equal"])
def test_parts_do_not_change_a_bit(lab, parts, noise):
    problem = lab.problem_of(lab.draw_linear(6, D, N, 2)[0])
    settings = engine_settings(Config.from_mapping({"score": {"noise": noise}}))
    candidates = engine.screen(problem, settings)
    dealt = []

    def deal(sem, statistics):
        found, cuts = deal_out(statistics, parts)
        dealt.append(len(found))
        return Parted(sem, cuts, here), found

    whole, cut = (
        engine.relax(replace(problem, backend=ThreadBackend(deal=way)), candidates, settings, seed=3)
        for way in (None, deal)
    )
    assert dealt == [min(parts, D)]
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1].W, cut[1].W)
    assert whole[1].path == cut[1].path
