"""The workflow in processes of its own: Snakemake and its jobs are ended together, as by a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.reliability.sandbox import CODES, NONE, ROOT, Fault, Outcome

LIMIT_S = 900.0
WORDS = (
    "--workflow-profile",
    "none",
    "--cores",
    "2",
    "--nolock",
    "--quiet",
    "all",
    "--snakefile",
    str(ROOT / "Snakefile"),
)


class Workflow:
    """A runner of Snakemake, whose own answer to a signal is exit code 1."""

    codes: Mapping[int, tuple[int, ...]] = {number: (1, *codes) for number, codes in CODES.items()}

    def call(self, words: Sequence[object], folder: Path, fault: Fault = NONE, *, counts: bool = False) -> Outcome:
        """Run the workflow; a signal goes to all processes of it. Calls of the system are not counted."""
        folder.mkdir(exist_ok=True)
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        began, sent = time.monotonic(), None
        with (folder.parent / "said").open("w+", encoding="utf-8") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *WORDS, *map(str, words)],
                cwd=folder,
                env=os.environ | {"PATH": paths, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while process.poll() is None:
                now = time.monotonic()
                if sent is None and fault.after is not None and now - began >= fault.after:
                    os.killpg(process.pid, fault.signal)
                    sent = now
                if now - began > LIMIT_S:
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.01)
            now = time.monotonic()
            said.seek(0)
            text = said.read()
        errors = text if "Traceback" in text or (sent is None and process.returncode) else ""
        answered = None if sent is None else now - sent
        return Outcome(process.returncode, now - began, answered, 0.0, text, errors, [])
