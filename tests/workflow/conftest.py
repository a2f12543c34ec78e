from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.warm import Warm

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    code: int
    text: str

    @property
    def jobs(self) -> dict[str, int]:
        """Rules and how many jobs of each, from the table that a dry run prints."""
        table = self.text.partition("Job stats:")[2].partition("\ntotal")[0]
        return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.MULTILINE)}


class Workplace:
    """A folder with a config of its own in which the workflow is started, as a user would."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        self.folder = folder
        self._warm = warm
        (folder / "config").mkdir()
        shutil.copy(ROOT / "config/config.yaml", folder / "config/config.yaml")
        shutil.copy(ROOT / "config/datasets.tsv", folder / "config/datasets.tsv")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def environment(self) -> dict[str, str]:
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": programs, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(self.folder / ".cache")}

    def snakemake(self, *arguments: str, snakefile: Path | str = ROOT / "Snakefile") -> Answer:
        """Run it in a process whose imports, most of the time of a dry run, are there."""
        return self.typed("snakemake", "-s", str(snakefile), "--workflow-profile", "none", *arguments)

    def typed(self, *words: str) -> Answer:
        return Answer(*self._warm.run(["-m", *words], self.folder, self.environment()))

    def run(self, *command: str) -> Answer:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300.0,
            check=False,
        )
        return Answer(done.returncode, done.stdout)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    loaded = ("cli", "report.html_reporter", "storage")
    beside = ("docutils.parsers.rst", "jsonschema", "PIL.Image", "smart_open", "yte")
    with Warm(f"import {', '.join([*(f'snakemake.{name}' for name in loaded), *beside])}") as found:
        yield found


@pytest.fixture
def workplace(tmp_path: Path, warm: Warm) -> Workplace:
    return Workplace(tmp_path, warm)
