"""Parts of the resamples that do not exist."""

import pytest

from acyclome.errors import InputError
from acyclome.pipeline.commands import Runtime, run_stage


@pytest.mark.parametrize(("part", "parts"), [(2, 2), (5, 3), (-1, 2), (0, 0)])
def test_a_part_that_does_not_exist_is_refused(tmp_path, part, parts):
    with pytest.raises(InputError, match="expected a part from 0 to parts - 1"):
        run_stage("resample", tmp_path, Runtime(), part=part, parts=parts)
