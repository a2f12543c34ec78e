"""The command line, called in this process."""

import pytest

from acyclome.cli import main


@pytest.fixture
def acyclome(capsys):
    """Call the command line with words; return exit code, standard output and error stream."""

    def call(*words):
        code = main([str(word) for word in words])
        output = capsys.readouterr()
        return code, output.out, output.err

    return call
