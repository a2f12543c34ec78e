"""Processes that begin with what takes long to load: each is forked off one that has loaded it.

``python tests/warm.py CODE`` runs the code, and then a process for each line of JSON that it reads, whose exit code it
answers. Such a process has a folder, an environment, words and an end of its own, as one has that a shell starts; what
the start of Python does by itself it has from the process before.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

TIMEOUT_S = 900.0  # of jobs of a cluster, which wait for their turn


class Answer(NamedTuple):
    """How a process ended, and what it said, errors among it."""

    code: int
    text: str


class Warm:
    """Runs ``python -m NAME ...`` and ``python -c CODE`` in children of a process that has run some code."""

    def __init__(self, code: str) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__, code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.stdin.close()
        self._server.wait(60)
        self._server.stdout.close()

    def run(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Answer:
        """Run a process to its end; ``words`` begin with ``-m`` or ``-c``, ``PYTHONPATH`` comes before all else."""
        with tempfile.NamedTemporaryFile(mode="r", encoding="utf-8") as said:
            asked = {"words": [*words], "folder": str(folder), "environment": {**environment}, "said": said.name}
            self._server.stdin.write(json.dumps(asked) + "\n")
            if not select.select([self._server.stdout], [], [], TIMEOUT_S)[0]:
                self._server.kill()
                raise subprocess.TimeoutExpired([*words], TIMEOUT_S)
            code = int(self._server.stdout.readline())
            return Answer(code, said.read())


def serve(code: str) -> None:
    exec(code, {})
    gc.freeze()  # so that children share its memory
    for line in sys.stdin:
        child = os.fork()
        if not child:
            begin(**json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


def begin(words: Sequence[str], folder: str, environment: Mapping[str, str], said: str) -> NoReturn:
    """Go where the process is to be, and be it."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), os.open(said, os.O_WRONLY), 1)):
        os.dup2(stream, number)
    sys.dont_write_bytecode = True
    sys.argv[1:] = words[2:]
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    code: Any = 0
    try:
        if words[0] == "-m":
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            exec(words[1], {"__name__": "__main__"})
    except SystemExit as end:
        code = end.code or 0
    except BaseException:  # noqa: BLE001 - shown as Python shows it
        traceback.print_exc()
        code = 1
    if not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Python would take apart all that was loaded, which takes longer than a small job


if __name__ == "__main__":
    serve(sys.argv[1])
