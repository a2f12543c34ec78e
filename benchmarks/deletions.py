"""Deleted genes of the PRECISE compendium: which way genes go, told by networks that never saw the deletion.

``python -m benchmarks.deletions --pymodulon WHEEL [--parts 5]``

Samples of E. coli from which one gene was deleted, beside samples of the same project in the same medium from which
none was (24 genes of two samples or more).  Genes that change by a factor of two or more, one way in all samples,
count, but for the deleted one.  Every deletion is in one of ``--parts`` parts, and is told by what is learned from
samples without any deletion of its part (24 parts leave out one gene at a time).  The network, whose causes are the
regulators of the known one and the deleted genes, says the sign of its total effect, and nothing of what it does not
reach; a correlation says something of every gene.  ``agrees`` is the share of the changes told that go the way told,
``agrees_there`` that of those of which the network says something; sums over all deletions.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import acyclome as ac
from acyclome.core.effects.total import responses
from benchmarks.networks import file_of, precise
from benchmarks.report import publish
from benchmarks.tables import options

ALIKE = ["project", "Base Media", "Carbon Source (g/L)", "Nitrogen Source (g/L)", "Electron Acceptor", "Supplement"]
ALIKE += ["Temperature (C)", "pH"]
CHANGED = 1.0  # of the logarithm to base 2
CHANGED_STRAIN = "del|crp_"  # no wild type: genes deleted, and mutants of the activating regions of crp (Ar1, Ar2)
SHRINKAGE = 0.9  # as in benchmarks.real
_SALT = 0xDE1E


class Deletion(NamedTuple):
    """A gene, the samples without it, how every gene differs there from samples with it, ``(d,)``, and which count."""

    gene: str
    samples: list[str]
    change: np.ndarray
    counts: np.ndarray


def main() -> None:
    """Measure and write the table."""
    parser = options(__doc__ or "", parts=5)
    parser.add_argument("--pymodulon", type=Path, required=True, help="wheel of pymodulon, with PRECISE")
    parser.set_defaults(seeds=[1])
    given = parser.parse_args()
    if given.parts < 2:
        parser.error("--parts is below 2, and what other deletions did would be a mean of none. Give 2 or more.")
    rows = [
        row for seed in given.seeds for row in told(given.pymodulon, seed, parts=given.parts, threads=given.threads)
    ]
    publish("deletions", rows, f"python -m benchmarks.deletions --parts {given.parts} --pymodulon WHEEL", given)


def deletions(place: Path, expression: pd.DataFrame) -> list[Deletion]:
    """Find the genes that were deleted alone, with samples to compare."""

    def table(name: str) -> pd.DataFrame:
        return pd.read_csv(io.BytesIO(file_of(place, f"data/ecoli/{name}.csv")), index_col=0)

    samples, genes = table("sample_table"), table("gene_table")["gene_name"]
    id_of = {str(name).lower(): gene for gene, name in genes.items()}
    strain = samples["Strain Description"]
    gone = strain.str.extract(r" del_(\w+)$")[0].where(strain.str.count("del_") == 1).str.lower().map(id_of)
    whole = samples[~strain.str.contains(CHANGED_STRAIN)]
    found = []
    for gene, mine in samples[gone.isin(expression.columns)].groupby(gone):
        differ, used = [], []
        for _, some in mine.groupby(ALIKE, dropna=False):
            same = (whole[ALIKE].astype(str) == some[ALIKE].astype(str).iloc[0]).all(axis=1)
            if same.any():
                differ.append(
                    expression.loc[some.index].to_numpy() - expression.loc[same[same].index].to_numpy().mean(0)
                )
                used += list(some.index)
        if len(used) > 1:
            each = np.concatenate(differ)
            least = np.where((each > 0).all(axis=0) | (each < 0).all(axis=0), np.abs(each).min(axis=0), 0.0)
            found.append(Deletion(str(gene), list(mine.index), each.mean(axis=0), least >= CHANGED))
    return found


def told(place: Path, seed: int, *, parts: int, threads: int) -> list[dict[str, Any]]:
    """Return, of every answer, how many of the changes it tells, and how many rightly."""
    known = precise(place)
    expression, genes = known.expression, list(known.expression.columns)
    every = deletions(place, expression)
    sources = sorted({*(known.regulators or ()), *(one.gene for one in every)})
    dealt = np.random.default_rng([_SALT, seed]).permutation(len(every))
    rows = []
    for part in range(min(parts, len(every))):
        out = [every[k] for k in dealt[part::parts]]
        kept = expression.drop(index=[sample for one in out for sample in one.samples])
        seen = kept.to_numpy(float)
        network = ac.learn(seen, genes, regulators=sources, n_resamples=0, random_state=seed, threads=threads)
        others = np.mean(
            [one.change for k, one in enumerate(every) if k not in set(dealt[part::parts].tolist())], axis=0
        )
        rows += [row for one in out for row in _signs(network, seen, one, others)]
    return [{"seed": seed, **row} for row in rows]


def _signs(network: ac.Network, seen: np.ndarray, deletion: Deletion, others: np.ndarray) -> list[dict[str, Any]]:
    k = network.genes.index(deletion.gene)
    weight = network.edges["weight"].to_numpy()
    T = responses(network.source, network.target, weight, order=network.order, genes=np.array([k]))[0]
    changes = deletion.counts & (np.arange(len(T)) != k)
    there = changes & (T != 0)
    answers = {
        "network": -T,
        "correlation": -_correlation(seen, k),
        "partial correlation": -_partial(seen, k),
        "mean of the other deletions": others,
    }
    rows = []
    for name, answer in answers.items():
        right = np.sign(answer) == np.sign(deletion.change)
        said = changes & (answer != 0)
        rows.append({"gene": deletion.gene, "answer": name, "changes": int(changes.sum()), "said": int(said.sum())})
        rows[-1] |= {"right": int((said & right).sum()), "said_there": int(there.sum())}
        rows[-1] |= {"right_there": int((there & right).sum())}
    return rows


def _standardized(X: np.ndarray) -> np.ndarray:
    scale = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)


def _correlation(X: np.ndarray, k: int) -> np.ndarray:
    Z = _standardized(X)
    return Z[:, k] @ Z / len(Z)


def _partial(X: np.ndarray, k: int) -> np.ndarray:
    """Return partial correlations of shrunken correlations with gene ``k``, up to a factor above 0, ``(d,)``.

    Of ``s I + (1 - s) Z'Z / n`` the column of the inverse, by Woodbury's identity of the order of the observations.
    """
    Z = _standardized(X) * np.sqrt((1 - SHRINKAGE) / len(X))
    inner = np.linalg.solve(SHRINKAGE * np.eye(len(Z)) + Z @ Z.T, Z[:, k])
    return Z.T @ inner  # minus the precision outside the diagonal, times the shrinkage


if __name__ == "__main__":
    main()
