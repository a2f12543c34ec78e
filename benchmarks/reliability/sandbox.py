"""Command lines in processes whose disk fails, or which are ended, at a numbered call of the system."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, Self

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LIMIT_S = 120.0  # what takes 0.3 s hangs if it takes so long, however busy the machine is
KINDS = {"open": 1, "mkdir": 2, "write": 4, "truncate": 4, "fsync": 8, "rename": 16, "unlink": 32, "rmdir": 32}
KINDS |= {"close": 64, "lock": 128}  # as in faults.c


@dataclass(frozen=True)
class Fault:
    """What happens at a call of the system: an error, which may last for some kinds of calls, or a signal."""

    name: str
    error: int = 0
    signal: int = 0
    lasts: int = 0  # sum of kinds
    at: int = 0  # which call; 0: none
    after: float | None = None  # seconds after which the signal is sent instead


NONE = Fault("none")
# Exit codes: refused, or not noticed and done; ended by a signal, or done before it was heard.
CODES: Mapping[int, tuple[int, ...]] = {
    0: (0, 2),
    signal.SIGTERM: (143, -signal.SIGTERM, 0),
    signal.SIGINT: (130, 0),
    signal.SIGKILL: (-signal.SIGKILL, 0),
}


@dataclass(frozen=True)
class Outcome:
    """How a command line ended."""

    code: int | None  # negative: by that signal; None: not within the limit
    seconds: float
    answered: float | None  # seconds from the signal to the end
    cpu: float
    output: str
    errors: str
    calls: list[tuple[str, str]]  # counted ones, kind and path, if they were asked for


def spelled(line: Sequence[str], source: Path, out: Path) -> list[str]:
    """Put the paths into a command line."""
    return [word.replace("{x}", str(source)).replace("{out}", str(out)) for word in line]


def compiler() -> str | None:
    """Return the C compiler, without which no call of the system can be made to fail."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Runner(Protocol):
    """Something that runs a command line, to which a fault happens."""

    codes: Mapping[int, tuple[int, ...]]  # that may follow a signal, 0 where there was none

    def call(self, words: Sequence[object], folder: Path, fault: Fault = NONE, *, counts: bool = False) -> Outcome: ...


class Sandbox:
    """A warm server that forks a child for every command line."""

    codes = CODES

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        library = folder / "faults.so"
        words = [str(compiler()), "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "faults.c"), "-ldl"]
        subprocess.run(words, check=True)
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        self._own = TemporaryDirectory(dir=folder)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.reliability.server"],
            env=os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()  # the end of its requests is that of the server
        self._own.cleanup()

    def warm(self, line: Sequence[str], source: Path, out: Path) -> None:
        """Run a command line in the server itself, so that children have what it imports and compiles."""
        words = spelled(line, source, out)
        answer = self._ask({"warm": words})
        assert answer["code"] == 0, words

    def call(self, words: Sequence[object], folder: Path, fault: Fault = NONE, *, counts: bool = False) -> Outcome:
        """Run a command line; calls that change what is in ``folder`` are those that count."""
        said, errors, log = (Path(self._own.name) / name for name in ("output", "errors", "calls"))
        answer = self._ask(
            asdict(fault)
            | {"words": [str(word) for word in words], "cwd": str(folder.parent), "folder": f"{folder}/"}
            | {"output": str(said), "errors": str(errors), "log": str(log) if counts else None, "limit": LIMIT_S}
        )
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if counts else []
        calls = [(kind, path) for _, kind, path in (line.split(" ", 2) for line in lines)]
        texts = [path.read_text(encoding="utf-8", errors="replace") for path in (said, errors)]
        return Outcome(**answer, output=texts[0], errors=texts[1], calls=calls)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return dict(json.loads(self._server.stdout.readline()))
