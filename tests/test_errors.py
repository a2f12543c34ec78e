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


def test_what_terminals_would_obey_is_escaped_and_endless_words_are_cut():
    names = ["\x1b]0;title\x07", "\u202eGENE", "\x9b2J", "\r", "Sοx2", "α-β"]
    said = errors.visible(" ".join(names))
    assert said == r"\x1b]0;title\x07 \u202eGENE \x9b2J \r Sοx2 α-β"
    assert errors.visible("a\n\tb") == "a\n\tb"
    assert str(errors.InputError(f"the gene {names[0]} is " + "a" * 5000)) == (
        r"the gene \x1b]0;title\x07 is " + "a" * 300 + "..."
    )


@pytest.mark.parametrize(
    ("error", "is_so"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("too large"), False),
        (errors.InputError("the column 'out of memory' is absent"), False),
    ],
)
def test_an_error_of_memory_is_known_by_whatever_name_also_as_a_cause(error, is_so):
    outer = ValueError("outer")
    outer.__cause__ = error
    assert errors.is_of_memory(error) == errors.is_of_memory(outer) == is_so
