"""A small run folder with a random network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acyclome.io import tables
from acyclome.io.runs import RunFolder
from acyclome.io.store import write_store

Build = Callable[..., Path]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=4000 --dump-dom "
    "--host-resolver-rules=MAP\t*\t~NOTFOUND"
)

FRAME = """<iframe src="{page}" width="{width}" height="2000"></iframe><script>
  addEventListener("message", (event) => {{
    const answer = document.createElement("pre");
    answer.id = "answer";
    answer.textContent = event.data;
    document.body.append(answer);
  }});
</script>"""


def random_tables(genes: list[str], n_edges: int, *, resamples: int, seed: int) -> tuple[pd.DataFrame, ...]:
    """Edges, ranking and nodes of a random acyclic network whose first genes have the most effects."""
    rng = np.random.default_rng(seed)
    d = len(genes)
    order = rng.permutation(d)
    appeal = 1.0 / (1.0 + np.arange(d))
    drawn = np.column_stack([rng.choice(d, 5 * n_edges, p=appeal / appeal.sum()), rng.integers(d, size=5 * n_edges)])
    drawn = drawn[drawn[:, 0] != drawn[:, 1]]
    forward = np.where((order[drawn[:, 0]] < order[drawn[:, 1]])[:, None], drawn, drawn[:, ::-1])
    pairs = np.unique(forward, axis=0)
    source, target = rng.permutation(pairs)[:n_edges].T
    weight = np.round(rng.normal(0, 0.4, n_edges), 4)
    stability = rng.binomial(resamples, rng.beta(3, 1, n_edges)) / max(resamples, 1)
    score = np.round(stability * 0.9 + 0.05, 4) if resamples else np.round(rng.beta(3, 1, n_edges), 4)
    edges = pd.DataFrame(
        {
            "source": np.array(genes, dtype=object)[source],
            "target": np.array(genes, dtype=object)[target],
            "weight": weight,
            "sign": np.where(weight >= 0, "+", "-"),
            "score": score,
            "stability": stability if resamples else np.nan,
            "direction": np.round(rng.uniform(0.5, 1, n_edges), 4) if resamples else np.nan,
            "reversible": rng.random(n_edges) < 0.3,
            "reversal_loss": np.round(rng.exponential(3, n_edges), 4),
            "oriented_by_intervention": False,
            "prior": "",
        }
    ).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    ranking = pd.concat([edges, edges.rename(columns={"source": "target", "target": "source"})])[
        ["source", "target", "score"]
    ]
    ranking = ranking.rename(columns={"score": "rank_score"}).sort_values("rank_score", ascending=False, kind="stable")
    return edges, ranking, _nodes(genes, order, source, target, rng)


def _nodes(genes, order, source, target, rng) -> pd.DataFrame:
    d = len(genes)
    depth = np.zeros(d, dtype=int)
    for edge in np.argsort(order[target], kind="stable"):
        depth[target[edge]] = max(depth[target[edge]], depth[source[edge]] + 1)
    return pd.DataFrame(
        {
            "gene": genes,
            "order": order,
            "depth": depth,
            "in_degree": np.bincount(target, minlength=d),
            "out_degree": np.bincount(source, minlength=d),
            "is_regulator": True,
            "r2": np.round(rng.uniform(0, 0.8, d), 4),
            "noise_scale": 1.0,
        }
    )


def run_facts(d: int, n_obs: int, resamples: int) -> dict:
    """What run.json holds."""
    from acyclome.config import Config

    config = Config.from_mapping({"resample": {"resamples": resamples}}).model_dump(mode="json")
    return {
        "status": "done",
        "version": "0.1.0",
        "command": f"acyclome run pbmc.h5ad -o results --resamples {resamples}",
        "config": config,
        "seed": 0,
        "input": {
            "path": "data/pbmc.h5ad",
            "digest": "sha256:0f3a",
            "n_obs": n_obs + 7,
            "n_vars": d + 11,
            "matrix": "raw",
            "kind": "log-normalised",
        },
        "prepare": {
            "n_obs": n_obs,
            "steps": [
                {
                    "step": "filter_genes",
                    "what": "genes seen in fewer than 10 observations left out",
                    "genes_dropped": 11,
                },
                {"step": "transform", "what": "none: normal scores fit no better", "n_vars": d, "n_obs": n_obs},
            ],
        },
        "stages": {
            "prepare": {"seconds": 1.25, "peak_memory_mb": 310.0},
            "fit": {"seconds": 75.0, "peak_memory_mb": 2048.0},
        },
        "screen": {"n_candidates": 9000, "mean": 14.25, "max": 48},
        "fit": {
            "acyclic": True,
            "convergence": [
                {"mu": 1.0, "steps": 31, "h": 2.4e-2, "objective": 310.5},
                {"mu": 0.1, "steps": 22, "h": 3.1e-4, "objective": 322.0},
                {"mu": 0.01, "steps": 14, "h": 8.0e-7, "objective": 325.1},
                {"mu": 0.001, "steps": 6, "h": 0.0, "objective": 325.6},
            ],
        },
        "resample": {"resamples": resamples, "fraction": 0.5},
        "sortability": {"var_sortability": 0.53, "r2_sortability": 0.81},
        "validation": {
            "rivals": {
                "genes": d,
                "observations": n_obs,
                "networks": [
                    {"network": "this method", "edges": 100, "gain": 9.5, "helped": 0.9, "joined": 1.0, "same": 1.0},
                    {"network": "falling R2", "edges": 110, "gain": 9.0, "helped": 0.8, "joined": 0.9, "same": 0.85},
                    {"network": "random order", "edges": 130, "gain": 8.0, "helped": 0.7, "joined": 0.6, "same": 0.5},
                    {"network": "no edge", "edges": 0, "gain": 0.0, "helped": None, "joined": 0.0, "same": None},
                ],
            },
            "permuted": {"rounds": 5.0, "genes": float(d), "edges": 0.4, "false_edges": 0.4},
        },
        "versions": {"python": "3.11.2", "numpy": "2.4.0"},
        "warnings": [],
    }


@pytest.fixture
def build_run(tmp_path: Path) -> Build:
    """Write a run folder and return its path; facts may be changed by a function."""

    def build(
        genes: list[str] | None = None,
        n_edges: int = 120,
        *,
        resamples: int = 20,
        n_obs: int = 700,
        change=None,
        seed: int = 5,
    ) -> Path:
        genes = genes or [f"GENE{number}" for number in range(40)]
        folder = tmp_path / "results"
        folder.mkdir(exist_ok=True)
        edges, ranking, nodes = random_tables(genes, n_edges, resamples=resamples, seed=seed)
        for name, rows in (("edges.tsv.gz", edges), ("ranking.tsv.gz", ranking), ("nodes.tsv", nodes)):
            tables.write_tsv(folder / name, rows)
        facts = run_facts(len(genes), n_obs, resamples)
        if change:
            change(facts)
        RunFolder(folder).write_run_json(facts)
        return folder

    return build


@pytest.fixture
def with_values():
    """Write prepared values of all genes into a run folder, normal ones that are drawn here, and return them."""

    def write(folder: Path, n_obs: int = 300) -> np.ndarray:
        genes = pd.read_csv(folder / "nodes.tsv", sep="\t", keep_default_na=False)["gene"].tolist()
        X = np.random.default_rng(2).normal(3.0, 2.0, (len(genes), n_obs)).astype(np.float32)
        (folder / "stages").mkdir(exist_ok=True)
        names = [f"cell{k}" for k in range(n_obs)]
        write_store(folder / "stages" / "prepared.h5", X, genes, observations=names, facts={})
        return X

    return write


@pytest.fixture(scope="session")
def profile(tmp_path_factory):
    """Return the folder of what a browser keeps, which it would make anew for each page."""
    return tmp_path_factory.mktemp("profile")


@pytest.fixture
def browse(tmp_path, profile):
    """Open a page and return its content after its scripts ran, and what they wrote to the console."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not on PATH; install it to check the report in a browser")

    def open_page(
        path, script: str = "", *, hash: str = "", width: int | None = None, flags: tuple[str, ...] = ()
    ) -> tuple[str, list[str]]:
        page = tmp_path / "page.html"
        text = path.read_text(encoding="utf-8")
        page.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
        if width is not None:  # a window has a least width, a frame has none
            frame, page = page, tmp_path / "frame.html"
            page.write_text(FRAME.format(width=width, page=frame.name + hash), encoding="utf-8")
        flags = [*(flag.replace("\t", " ") for flag in FLAGS.split(" ")), *flags]
        command = [chromium, *flags, f"--user-data-dir={profile}", page.as_uri() + hash]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return answer.stdout, re.findall(r"CONSOLE.*", answer.stderr)

    return open_page


@pytest.fixture
def ask(browse):
    """Run the body of an asynchronous function in a page and return what it returns; a silent console is asserted."""

    def run(path, body: str, **how):
        script = f"""
          const find = (selector) => document.querySelector(selector);
          const all = (selector) => [...document.querySelectorAll(selector)];
          const text = (selector) => find(selector).textContent;
          const type = (id, value, ...kinds) => {{
            const field = document.getElementById(id);
            field.value = value;
            for (const kind of kinds.length ? kinds : ["input", "change"]) field.dispatchEvent(new Event(kind));
          }};
          // One more task: time of the page, which timers let run ahead, stands still meanwhile.
          const turn = () => new Promise((done) => {{
            const channel = new MessageChannel();
            channel.port1.onmessage = done;
            channel.port2.postMessage(0);
          }});
          const pause = () => new Promise((done) => setTimeout(done, 50));
          (async () => {{ {body} }})().then((found) => {{
            const answer = document.createElement("pre");
            answer.id = "answer";
            answer.textContent = JSON.stringify(found);
            document.body.append(answer);
            if (parent !== window) parent.postMessage(answer.textContent, "*");
          }});
        """
        dom, console = browse(path, script, **how)
        assert console == []
        return json.loads(html.unescape(re.search(r'<pre id="answer">(.*?)</pre>', dom, re.DOTALL).group(1)))

    return run
