"""The report as a reader uses it, in headless Chromium: a gene found, an edge judged, the network saved, the map moved.

``python -m benchmarks.desk --genes 1000 10000``

Hub graphs, 1,000 observations, 5 resamples. What is timed is the machine: from a letter, a press or a drag to the
picture after it, without the time in which a reader reads. Frames are those of a drag of 60 steps over the map, by
software.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.browser import Browser
from benchmarks.report import publish
from benchmarks.tables import options

SEED = 11
DRAG = 60  # steps
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FRAMES = """
  window.frames_ = [];
  const step = (last) => requestAnimationFrame((now) => { frames_.push(now - last); if (!window.over_) step(now); });
  step(performance.now());
"""


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", observations=1000, resamples=5)
    parser.add_argument("--genes", type=int, nargs="+", default=[1000, 10000])
    given = parser.parse_args()
    rows = [measured(d, given) for d in given.genes]
    publish("desk", rows, f"python -m benchmarks.desk --genes {' '.join(map(str, given.genes))}", given)


def measured(d: int, given: argparse.Namespace) -> dict[str, Any]:
    """Return what one page took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn = {"genes": d, "observations": given.observations, "graph": "hub", "seed": SEED}
        _acyclome("simulate", "-o", folder / "data.h5ad", "--standardize", *_flags(drawn))
        learned = {"resamples": given.resamples, "threads": given.threads}
        _acyclome("run", folder / "data.h5ad", "-o", folder, *_flags(learned))
        nodes = pd.read_csv(folder / "nodes.tsv", sep="\t")
        hub = nodes.loc[nodes["out_degree"].idxmax(), "gene"]
        took = asyncio.run(used(folder, hub))
        saved = pd.read_csv(folder / "edges.tsv", sep="\t")
        size = (folder / "report.html").stat().st_size
    return {"genes": d, "edges": len(saved), "MB": size / 1e6, **took}


def _flags(options: dict[str, object]) -> list[object]:
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _acyclome(*words: object) -> None:
    command = [str(Path(sys.executable).with_name("acyclome")), *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def used(folder: Path, gene: str) -> dict[str, float]:
    """Use the page of a run; return seconds of each step, and milliseconds of frames."""
    took: dict[str, float] = {}
    async with Browser(folder) as browser:

        async def timed(step: str, *scripts: str) -> None:
            began = time.perf_counter()
            for script in scripts:
                await browser.ask(script)
            await browser.ask(DRAWN)
            took[step] = time.perf_counter() - began

        began = time.perf_counter()
        await browser.open(folder / "report.html")
        took["open"] = time.perf_counter() - began
        await browser.ask("document.getElementById('explore-gene').select()")
        began = time.perf_counter()
        await browser.type(gene)
        await timed("find a gene", f"if (document.querySelector('.hub-name').textContent !== '{gene}') throw Error()")
        took["find a gene"] = time.perf_counter() - began
        await timed("open an edge", "document.querySelector('#explore-effects a[href^=\"#edge\"]').click()")
        await timed("knock out", f"location.hash = '#knockout={gene}'", DRAWN)
        await timed("save the network", "document.getElementById('edge-save').click()")
        while not (folder / "edges.tsv").exists():
            await asyncio.sleep(0.02)
        took |= await _moved(browser)
    return took


async def _moved(browser: Browser) -> dict[str, float]:
    await browser.ask("document.getElementById('map').scrollIntoView({ behavior: 'instant' })")
    await browser.ask("new Promise((done) => setTimeout(done, 1000))")
    box = "document.getElementById('map-canvas').getBoundingClientRect()"
    x, y = [
        await browser.ask(f"{box}.{end} + {box}.{room} / 2") for end, room in (("left", "width"), ("top", "height"))
    ]
    await browser.ask(f"{{{FRAMES}}}")
    await browser.mouse("mousePressed", x, y)
    for k in range(DRAG):
        await browser.mouse("mouseMoved", x + 3 * k, y + k)
        await asyncio.sleep(1 / 60)
    frames = pd.Series(await browser.ask("window.over_ = true, frames_"))
    return {"median frame ms": float(frames.median()), "95% of frames ms": float(frames.quantile(0.95))}


if __name__ == "__main__":
    main()
