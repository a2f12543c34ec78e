"""Take one data set of a paper from where the user has it: a table of expression, and the true edges.

``python workflow/papers/take.py dream4 1 --data FOLDER --table 1.tsv --truth 1.truth.tsv``

Files are compared with ``checksums.txt``, so that a table is of the data that the paper had.  What a paper has drawn at
random is drawn anew here, by its protocol: NOTEARS by ``acyclome.evaluate``, curves by another simulator (``--bench``).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # the readers are those of the benchmarks, which are no part of the package

from benchmarks import dream, grandag, syntren  # noqa: E402
from benchmarks.problems import Problem, Protocol, find_bench  # noqa: E402

from acyclome.cli.truth import read_truth  # noqa: E402
from acyclome.evaluate.simulate import simulate  # noqa: E402

OBSERVATIONS, SEED = 1000, 11  # as in the experiments of Zheng et al. 2018 and 2020
GRAPHS = {"er": "er", "sf": "scale-free"}
KINDS = {"er1-10": "ER1, 10", "er4-10": "ER4, 10", "er1-20": "ER1, 20", "syntren": "SynTReN", "sachs": "Sachs"}


@dataclass(frozen=True)
class Taken:
    """Observations x genes, the true edges, and the genes that may be causes, if that is known."""

    table: pd.DataFrame
    truth: pd.DataFrame
    regulators: Path | None = None


def main() -> int:
    """Write the files of one data set; the answer is 1 where it cannot be had."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("paper", choices=list(PAPERS))
    parser.add_argument("name", help="of the data set, as the sheet of the paper has it")
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of checksums.txt")
    parser.add_argument("--bench", type=Path, required=True, help="folder of a simulator of curves, simulate.py")
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--regulators", type=Path)
    given = parser.parse_args()
    try:
        taken = PAPERS[given.paper](given.name, Source(given.data, given.bench))
    except Absent as error:
        sys.stderr.write(f"{error}\n")
        return 1
    taken.table.to_csv(given.table, sep="\t")
    taken.truth.to_csv(given.truth, sep="\t", index=False)
    if given.regulators is not None and taken.regulators is not None:
        given.regulators.write_bytes(taken.regulators.read_bytes())
    return 0


class Absent(Exception):
    """Data that are not where they were said to be, or are others."""


@dataclass(frozen=True)
class Source:
    """Where a user has the data of papers."""

    data: Path
    bench: Path

    def file(self, name: str) -> Path:
        """Return the path of a file that is the one of the paper."""
        lines = (HERE / "checksums.txt").read_text("utf-8").splitlines()
        known = {path: digest for digest, path in (line.split() for line in lines)}
        path = self.data / name
        if not path.is_file():
            msg = f"{path} is not there. See docs/results/papers.md, and name the folder that has it with data=FOLDER."
            raise Absent(msg)
        if hashlib.sha256(path.read_bytes()).hexdigest() != known[name]:
            msg = f"{path} is another file than the one of the paper (its SHA-256 is not that of checksums.txt)."
            raise Absent(msg)
        return path


def dream4(name: str, source: Source) -> Taken:
    """Return the multifactorial set of one of the networks of 100 genes."""
    stem = f"dream4/insilico_size100_{name}_multifactorial"
    files = source.file(f"{stem}.tsv.gz"), source.file(f"{stem}_goldstandard.tsv.gz")
    return Taken(*dream.read_multifactorial(*files))


def dream5(_: str, source: Source) -> Taken:
    """Return the steady states of E. coli."""
    stem = "dream5/net3"
    table = source.file(f"{stem}_expression_goldgenes_steadystate_averaged.tsv.gz")
    truth = read_truth(source.file(f"{stem}_goldstandard.tsv.gz"))
    regulators = source.file(f"{stem}_transcription_factors.tsv")
    return Taken(pd.read_csv(table, sep="\t", index_col=0), truth, regulators)


def no_bears(name: str, source: Source) -> Taken:
    """Return a SynTReN set without its background."""
    files = [source.file(f"syntren_nobears/{name}_{part}") for part in ("maxExpr1_dataset.txt.gz", "network.sif")]
    return Taken(*syntren.read_set(files[0].parent, name))


def gran_dag(name: str, source: Source) -> Taken:
    """Return a set of its archives."""
    kind, _, number = name.rpartition("-")
    sets = grandag.SETS[KINDS[kind]]
    folder = source.file(f"grandag/{sets.archive}").parent
    *_, (_, X, edges) = grandag.read_sets(folder, sets, int(number))
    return _of_arrays(X, *np.array(sorted(edges)).T)


def notears(name: str, _: Source) -> Taken:
    """Draw lines with noise of one variance, as they come out: ``er2-10`` has 10 genes, 2 edges each."""
    kind, genes = name.split("-")
    drawn = simulate(
        int(genes),
        OBSERVATIONS,
        graph=GRAPHS[kind[:2]],
        degree=float(kind[2:]),
        parent_share=None,
        standardised=False,
        seed=SEED,
    )
    return _of_arrays(drawn.X, drawn.source, drawn.target)


def nonparametric(name: str, source: Source) -> Taken:
    """Draw curves or networks on random graphs: ``mlp-20`` has 20 genes."""
    mechanism, _, genes = name.rpartition("-")
    bench = find_bench(source.bench)
    if bench is None:
        msg = f"{source.bench} holds no simulate.py, which draws {mechanism}; name its folder with bench=FOLDER."
        raise Absent(msg)
    protocol = Protocol(mechanism, "ER", parent_share=None, extras={"mechanism": mechanism})
    drawn: Problem = protocol.draw(int(genes), OBSERVATIONS, SEED, bench)
    return _of_arrays(drawn.X, drawn.source, drawn.target)


PAPERS: dict[str, Callable[[str, Source], Taken]] = {
    "dream4": dream4,
    "dream5": dream5,
    "no-bears": no_bears,
    "gran-dag": gran_dag,
    "notears": notears,
    "nonparametric": nonparametric,
}


def _of_arrays(X: np.ndarray, source: np.ndarray, target: np.ndarray) -> Taken:
    genes = np.array([f"X{k + 1}" for k in range(X.shape[1])], dtype=object)
    table = pd.DataFrame(X, index=[f"obs_{k + 1}" for k in range(len(X))], columns=genes)
    return Taken(table, pd.DataFrame({"source": genes[source], "target": genes[target]}))


if __name__ == "__main__":
    sys.exit(main())
