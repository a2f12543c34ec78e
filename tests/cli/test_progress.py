"""Progress: plain lines off a terminal, bars on one, silence on request."""

import io
import logging
import re
import warnings

import pytest

from acyclome import wording
from acyclome.cli.progress import HEARTBEAT_S, Progress, log_to_stderr


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def plain():
    stream, clock = io.StringIO(), Clock()
    return Progress(quiet=False, stream=stream, clock=clock), stream, clock


def test_a_stage_is_told_when_it_starts_and_when_it_ends(plain):
    progress, stream, clock = plain
    with progress:
        progress("screen", 0.0, "765 genes")
        clock.now += 2.0
        progress("screen", 1.0)
    assert stream.getvalue() == "[     0.0 s] screen     started: 765 genes\n[     2.0 s] screen     done in 2.0 s\n"


def test_a_long_stage_gives_a_sign_of_life_with_the_time_left(plain):
    progress, stream, clock = plain
    for step in range(1, 101):
        progress("fit", step / 200, f"step {step}")
        clock.now += HEARTBEAT_S / 5
    lines = stream.getvalue().splitlines()
    assert len(lines) == 20
    assert lines[10].endswith("fit        26%, about 4 min 52 s left: step 51")


def test_the_time_left_is_proportional_to_what_remains(plain):
    progress, stream, clock = plain
    progress("fit", 0.0)
    clock.now += 30.0
    progress("fit", 0.25)
    assert stream.getvalue().splitlines()[-1] == "[      30 s] fit        25%, about 1 min 30 s left"


def test_a_stage_that_begins_again_for_the_next_group_is_told_again(plain):
    progress, stream, _ = plain
    for _ in range(2):
        progress("order", 0.0)
        progress("order", 1.0)
    assert stream.getvalue().count("started") == stream.getvalue().count("done in") == 2


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bars_show_every_stage_on_a_terminal_and_lines_do_not():
    stream = Terminal()
    with Progress(quiet=False, stream=stream) as progress:
        progress("screen", 0.0)
        progress("screen", 1.0)
        progress("fit", 0.5, "step [3]")
        progress("fit", 0.1, "step [4]")
    text = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue())
    screen, fit = text.splitlines()[-2:]
    assert screen.startswith("screen")
    assert "100%" in screen
    assert fit.startswith("fit")
    assert " 10%" in fit
    assert "step [4]" in fit
    assert "started" not in text


def shown(stream):
    return re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue()).splitlines()


def test_the_whole_has_a_bar_once_it_is_planned():
    stream, clock = Terminal(), Clock()
    with Progress(quiet=False, stream=stream, clock=clock) as progress:
        progress.expect({"screen": 10.0, "order": 30.0}, 1, 2)
        progress("screen", 0.0)
        clock.now += 10.0
        progress("screen", 1.0)
        progress("order", 0.0, "a message that is far too long for what is left of the line")
    whole, screen, order = shown(stream)[-3:]
    assert re.search(r"^in all .* 100% took 10 s +network 1 of 2", whole)
    assert re.search(r"^screen .* 100% took 10 s", screen)
    assert re.search(r"^order .* 0% elapsed 0.0 s +a message", order)


def test_both_times_of_a_bar_are_named_and_what_was_stopped_is_not_done():
    stream, clock = Terminal(), Clock()
    progress = Progress(quiet=False, stream=stream, clock=clock)
    progress.__enter__()
    progress.expect({"screen": 10.0, "order": 30.0}, 1, 2)
    progress("screen", 0.0)
    clock.now += 10.0
    progress("screen", 0.5)
    progress.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    whole, screen = shown(stream)[-2:]
    assert re.search(r"^in all .* 6% elapsed 10 s, remaining 1 min 57 s", whole)
    assert re.search(r"^screen .* 50% elapsed 10 s, remaining 10 s", screen)


def test_lines_tell_of_the_whole_once_it_is_planned(plain):
    progress, stream, clock = plain
    progress.expect({"screen": 10.0, "order": 30.0})
    progress("screen", 0.0)
    clock.now += 10.0
    progress("screen", 1.0)
    assert stream.getvalue().splitlines()[-1] == "[      10 s] screen     done in 10 s (in all 25%, about 30 s left)"


@pytest.mark.parametrize("make", [io.StringIO, Terminal])
def test_quiet_says_nothing_on_a_terminal_or_off_it(make):
    stream = make()
    with Progress(quiet=True, stream=stream) as progress:
        progress("screen", 0.0)
        progress("screen", 1.0)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations_are_written_as_people_write_them(seconds, text):
    assert wording.duration(seconds) == text


def test_warnings_of_the_package_reach_the_error_stream_and_those_of_others_do_not(capsys):
    logger = logging.getLogger("acyclome.somewhere")
    with log_to_stderr(quiet=False):
        logger.warning("few cells")
        warnings.warn("deprecated", FutureWarning, stacklevel=1)
    logger_handlers = list(logging.getLogger("acyclome").handlers)
    assert capsys.readouterr().err == "WARNING: few cells\n"
    assert logger_handlers == []


def test_quiet_keeps_warnings_back_but_not_errors(capsys):
    logger = logging.getLogger("acyclome.somewhere")
    with log_to_stderr(quiet=True):
        logger.warning("few cells")
        logger.error("no cells")
    assert capsys.readouterr().err == "ERROR: no cells\n"
