"""Runs of the command line on files, in temporary folders, with their cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Cost

RUN = "import sys; from acyclome.cli import main; sys.argv[0] = 'acyclome'; sys.exit(main())"


def run_command(*words: str | Path, answer: Path | None = None) -> Cost:
    """Run ``acyclome WORDS ...``; return what it took, imports included.  ``answer`` is a file for what it prints.

    Raises
    ------
    RuntimeError
        If the command fails; what it said is part of the message.
    """
    began = time.perf_counter()
    call = [sys.executable, "-c", RUN, *map(str, words)]
    # As it is installed: with its bytecode on the disk, which to make anew takes a fifth of a second.
    kept = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    with Path(answer or os.devnull).open("w", encoding="utf-8") as out:
        process = subprocess.Popen(call, stdout=out, stderr=subprocess.PIPE, text=True, env=kept)
    said = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        msg = f"acyclome {' '.join(map(str, words))} ended with status {process.returncode}: {said.strip()}"
        raise RuntimeError(msg)
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
