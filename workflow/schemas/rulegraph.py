"""Draw the rules of the workflow, and what follows what, into config/README.md, as mermaid, which forges show.

Run it (`make schema`) after a rule has changed. A test compares the picture with what this file would draw.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START, END = "<!-- rules: start -->", "<!-- rules: end -->"


def rulegraph() -> str:
    """Return the rules of the example as Snakemake sees them, in lines that do not hang on its numbers."""
    words = ("--workflow-profile", "none", "--rulegraph", "mermaid-js")
    command = [sys.executable, "-m", "snakemake", *words]
    drawn = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]", drawn, flags=re.MULTILINE))
    arrows = re.findall(r"^\s*(id\d+) --> (id\d+)", drawn, flags=re.MULTILINE)
    lines = sorted(f"    {names[first]} --> {names[then]}" for first, then in arrows)
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```"])


def readme_text() -> str:
    """Return config/README.md with its picture of the rules drawn anew."""
    before, _, rest = (ROOT / "config/README.md").read_text(encoding="utf-8").partition(START)
    return f"{before}{START}\n{rulegraph()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    (ROOT / "config/README.md").write_text(readme_text(), encoding="utf-8")
