"""The classes of errors and their exit codes."""

import pytest

from acyclome import errors


@pytest.mark.parametrize(
    ("name", "code"),
    [("AcyclomeError", 1), ("InputError", 2), ("ConfigError", 2), ("MemoryLimitError", 3), ("ConvergenceError", 4)],
)
def test_exit_codes_are_those_of_the_command_line(name, code):
    assert getattr(errors, name).exit_code == code


def test_every_error_is_an_acyclome_error_and_keeps_its_message():
    for kind in (errors.InputError, errors.ConfigError, errors.MemoryLimitError, errors.ConvergenceError):
        with pytest.raises(errors.AcyclomeError, match=r"^found 3$"):
            raise kind("found 3")


def test_input_errors_can_be_caught_as_value_errors():
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.ConfigError, errors.InputError)
