from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
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

    def snakemake(self, *arguments: str, snakefile: Path | str = ROOT / "Snakefile", timeout: float = 300.0) -> Answer:
        command = [sys.executable, "-m", "snakemake", "-s", str(snakefile), "--workflow-profile", "none", *arguments]
        return self.run(command, timeout)

    def acyclome(self, *arguments: str) -> Answer:
        return self.run(["acyclome", *arguments], 300.0)

    def run(self, command: list[str], timeout: float) -> Answer:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Answer(done.returncode, done.stdout)


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)
