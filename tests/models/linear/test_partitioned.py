"""The relaxation in parts: the bits of one, whatever the number of parts."""

import numpy as np
import pytest

from acyclome.config import Config
from acyclome.core.backend import OnThreads
from acyclome.core.engine import look, propose
from acyclome.models.linear.partitioned import Parted, deal_out
from acyclome.pipeline.engine_settings import engine_settings

D, N = 40, 300


def here(work, parts, arguments):
    return [work(part, *given) for part, given in zip(parts, arguments, strict=True)]


@pytest.mark.parametrize("parts", [1, 2, 7, 100])
@pytest.mark.parametrize("noise", ["unequal", "equal"])
def test_parts_do_not_change_a_bit(lab, parts, noise):
    m = lab.moments_of(lab.draw_linear(6, D, N, 2)[0])
    settings = engine_settings(Config.from_mapping({"score": {"noise": noise}}))
    causes = np.ones(D, bool)
    candidates = look(m, settings, causes, 1)
    dealt = []

    def deal(sem, statistics):
        found, cuts = deal_out(statistics, parts)
        dealt.append(len(found))
        return Parted(sem, cuts, here), found

    whole, cut = (propose(m, candidates, settings, causes, 3, 1, OnThreads(way)) for way in (None, deal))
    assert dealt == [min(parts, D)]
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1].W, cut[1].W)
    assert whole[1].path == cut[1].path
