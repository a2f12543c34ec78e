"""Values of genes that the page carries, so that an edge opens onto the observations it was learned from."""

from __future__ import annotations

from typing import Any

import numpy as np

from acyclome.errors import InputError
from acyclome.io.store import Store
from acyclome.report import packing
from acyclome.report.source import Run

BYTES = 1_000_000  # of values on a page, one byte each, so that it stays under 5 MB with 200,000 edges
MOST = 1_000  # observations; more are not told apart in a picture of 340 pixels
LEAST = 200  # observations that show a dependence of a correlation of .2 (by two standard errors, 1 / sqrt(n) each)
LEVELS = 254  # codes 0 to 254; 255 is a missing value
MISSING = 255
BLOCK = 256  # genes that are read at a time: 100 MB of 100,000 observations

ABSENT = (
    "The prepared values are not beside this page (stages/prepared.h5), so the two genes are not drawn: write the "
    "report where the run was made. What groups share has none of its own; each group has those of its observations."
)


def page_values(run: Run) -> dict[str, Any] | None:
    """Return values of the genes of the best edges and pairs, in standard deviations from the mean.

    None without a store. One byte each, between the smallest and the largest of the gene. Where observations are many,
    a random part of them stands for all, the same for all genes.
    """
    path = run.folder / "stages" / "prepared.h5"
    if not path.is_file():
        return None
    try:
        with Store.open(path) as store:
            return _values(run, store) if store.genes == run.network.genes else None
    except (InputError, OSError):  # damaged: a page is made of the tables all the same, and says what is not there
        return None


def _values(run: Run, store: Store) -> dict[str, Any]:
    number = min(store.n_obs, MOST, max(LEAST, BYTES // max(store.n_vars, 1)))
    genes = _best_genes(run, BYTES // max(number, 1))
    drawn = np.sort(np.random.default_rng(run.config.seed).permutation(store.n_obs)[:number])
    codes = np.empty((len(genes), number), np.uint8)
    low, high = np.empty((2, len(genes)))
    for start in range(0, len(genes), BLOCK):
        part = slice(start, start + BLOCK)
        codes[part], low[part], high[part] = _coded(store.rows(genes[part]).astype(float), drawn)
    columns = {"gene": packing.pack_whole(genes), "low": packing.pack(low), "high": packing.pack(high)}
    columns["codes"] = {"type": "u1", "data": packing.text(codes)}
    return {"shown": int(number), "of": store.n_obs, "columns": columns}


def _best_genes(run: Run, most: int) -> np.ndarray:
    """Return the genes of the best edges, then those of the best ranked pairs, at most so many, in rising order."""
    network = run.network
    ends = np.column_stack([network.source, network.target]).ravel()
    ranked = network.ranking[["source", "target"]].to_numpy().ravel()
    index_of = {gene: index for index, gene in enumerate(network.genes)}
    ends = np.concatenate([ends, [index_of[gene] for gene in dict.fromkeys(ranked)]]).astype(np.int64)
    _, first = np.unique(ends, return_index=True)
    return np.sort(ends[np.sort(first)[:most]])


def _coded(values: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, spread = np.nanmean(values, axis=1, keepdims=True), np.nanstd(values, axis=1, keepdims=True)
    shown = ((values - mean) / np.where(spread > 0, spread, 1.0))[:, drawn]
    is_known = np.isfinite(shown)
    low = np.where(is_known, shown, np.inf).min(axis=1, initial=np.inf)
    high = np.where(is_known, shown, -np.inf).max(axis=1, initial=-np.inf)
    low, high = (np.where(np.isfinite(end), np.round(end, 4), 0.0) for end in (low, high))  # as they are packed
    room = np.where(high > low, high - low, 1.0)[:, None]
    codes = np.clip(np.round((np.nan_to_num(shown) - low[:, None]) / room * LEVELS), 0, LEVELS)
    return np.where(is_known, codes, MISSING).astype(np.uint8), low, high
