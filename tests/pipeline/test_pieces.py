"""Half-samples and shards are kept one by one, and a process that was ended goes on from the last."""

import pytest

from acyclome.config import Config
from acyclome.pipeline import pieces
from acyclome.pipeline.commands import Runtime, prepare_stage, run, run_stage

RESAMPLES, SHARDS = 6, 4
CONFIG = Config.from_mapping(
    {
        "resample": {"resamples": RESAMPLES},
        "prepare": {"transform": "none"},
        "shard": {"shards": SHARDS},
        "validation": {"checks": False},
    }
)


class Ended(BaseException):
    """What ends a process in the middle."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(pieces, "KEEP_S", 0.0)


@pytest.fixture(scope="module")
def finished(h5ad, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    run(h5ad, out, CONFIG, Runtime())
    return out


def ending(stage, at):
    """Return a progress that ends the process at a message of a stage."""

    def progress(name, _, message):
        if (name, message) == (stage, at):
            raise Ended

    return progress


@pytest.mark.parametrize(("stage", "members"), [("resample", RESAMPLES), ("fit", SHARDS)])
def test_a_run_goes_on_from_the_last_member_to_the_same_bits(stage, members, h5ad, finished, tmp_path, bench):
    with pytest.raises(Ended):
        run(h5ad, tmp_path, CONFIG, Runtime(progress=ending(stage, f"2 of {members}")))
    stages = tmp_path / "stages"
    assert sorted(path.name for path in stages.glob(f"{stage}-*")) == [f"{stage}-{k}-of-{members}.npz" for k in (1, 2)]
    told = []
    run(h5ad, tmp_path, CONFIG, Runtime(resume=True, progress=lambda *said: told.append((said[0], said[2]))))
    kept = [text for name, text in told if name == stage and "2 are kept" in text]
    assert [text.split()[0] for text in kept] == [str(members - 2)]
    assert bench.same_files(tmp_path, finished)
    assert {path.name for path in stages.iterdir()} == {path.name for path in (finished / "stages").iterdir()}


def test_a_part_goes_on_though_nobody_says_that_it_was_begun_before(h5ad, finished, tmp_path, bench):
    prepare_stage(h5ad, tmp_path, CONFIG, runtime=Runtime())
    for stage in ("screen", "shard", "fit", "merge", "order"):
        run_stage(stage, tmp_path, Runtime())
    with pytest.raises(Ended):
        run_stage("resample", tmp_path, Runtime(progress=ending("resample", "1 of 3")), part=1, parts=2)
    told = []
    for part in (0, 1):
        runtime = Runtime(progress=lambda _, __, message: told.append(message))
        run_stage("resample", tmp_path, runtime, part=part, parts=2)
    assert told.count("2 half-samples, 1 are kept") == 1
    run_stage("network", tmp_path, Runtime())
    assert bench.same_files(tmp_path, finished)


def test_what_is_damaged_is_learned_again(h5ad, finished, tmp_path, bench):
    with pytest.raises(Ended):
        run(h5ad, tmp_path, CONFIG, Runtime(progress=ending("resample", f"2 of {RESAMPLES}")))
    damaged = tmp_path / "stages" / f"resample-1-of-{RESAMPLES}.npz"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    run(h5ad, tmp_path, CONFIG, Runtime(resume=True))
    assert bench.same_files(tmp_path, finished)
