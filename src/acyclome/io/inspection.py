"""What is in an AnnData, and which of its matrices to learn from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acyclome.errors import examples
from acyclome.io.anndata_files import NOTES_KEY
from acyclome.io.choice import choose_among
from acyclome.io.gene_names import kind_of_names, repeated
from acyclome.io.matrices import ONLY_ZERO_AND_ONE, SCALED, UNKNOWN, MatrixFacts, get_matrix, matrix_facts, matrix_names
from acyclome.io.strangers import left_out, look_at_names, other_features, other_features_left_out
from acyclome.wording import plural

if TYPE_CHECKING:
    from anndata import AnnData

_MAX_LEVELS = 50  # more are names of observations rather than of groups, and fill the screen
MIN_OBSERVATIONS = 10  # a half-sample of fewer has no spare observation beside two or three causes
_MANY_GENES = 100_000  # annotations of man and mouse have some 60,000, with all that is not translated


@dataclass(frozen=True)
class Inspection:
    """What an expression file holds."""

    shape: tuple[int, int]  # observations, genes
    matrices: list[MatrixFacts]  # of X, of every layer, and of raw
    names: str  # kind of the gene names: symbol, ensembl or other
    duplicates: list[str]  # gene names that occur more than once in the recommended matrix
    obs_columns: dict[str, list[str] | str]  # labels of categories, or the range of numbers as text
    recommended: str  # name of the matrix to use (option layer)
    why: str
    warnings: list[str] = field(default_factory=list)


def inspect(adata: AnnData) -> Inspection:
    matrices = [matrix_facts(name, get_matrix(adata, name)[0]) for name in matrix_names(adata) or ["X"]]
    choice = choose_among(adata, matrices)
    best = choice.facts
    genes = get_matrix(adata, best.name)[1]
    kinds = other_features(adata.raw.var if best.name == "raw" else adata.var)
    gone = [text for text in (left_out(genes), other_features_left_out(genes, kinds)) if text]
    notes = [*map(str, adata.uns.get(NOTES_KEY, [])), *gone]
    observations = adata.obs_names.astype(str).tolist()
    return Inspection(
        shape=(int(adata.n_obs), int(adata.n_vars)),
        matrices=matrices,
        names=kind_of_names(genes),
        duplicates=repeated(genes),
        obs_columns=_columns(adata),
        recommended=best.name,
        why=choice.why,
        warnings=[*notes, *choice.doubts, *look_for_doubts(observations, genes, best)],
    )


def _columns(adata: AnnData) -> dict[str, list[str] | str]:
    columns: dict[str, list[str] | str] = {}
    for name, column in adata.obs.items():
        if column.dtype.kind in "iuf":
            columns[str(name)] = f"numbers from {column.min():g} to {column.max():g}"
            continue
        levels = sorted({str(label) for label in column.dropna()})
        columns[str(name)] = levels if len(levels) <= _MAX_LEVELS else plural(len(levels), "different text")
    return columns


def look_for_doubts(observations: list[str], genes: list[str], best: MatrixFacts) -> list[str]:
    """Return what should be looked at before a matrix is learned from: its names, its values, its size."""
    doubts, duplicates, n_obs = look_at_names(observations, genes), repeated(genes), len(observations)
    if duplicates:
        several = f"{plural(len(duplicates), 'gene name|s occurs|occur')} more than once ({examples(duplicates)})"
        doubts.append(f"{several}; a run refuses them.")
    if best.nan or best.infinite:
        found = f"{best.name} holds {best.nan} NaN and {plural(best.infinite, 'infinite value')}"
        doubts.append(f"{found}; a run refuses them, gaps unless --missing says what to do.")
    if best.kind in (UNKNOWN, SCALED):
        doubts.append(f"{best.name} holds {best.note}.")
    if best.note == ONLY_ZERO_AND_ONE:
        doubts.append(f"{best.name} holds only 0 and 1: whether genes were seen, or open regions, not how much.")
    if n_obs < MIN_OBSERVATIONS:
        doubts.append(
            f"{plural(n_obs, 'observation|s is|are')} too few; at least {MIN_OBSERVATIONS} are needed, hundreds are "
            "better."
        )
    if len(genes) > _MANY_GENES:
        doubts.append(f"{plural(len(genes), 'gene|s is|are')} more than a genome has: is the matrix transposed?")
    return doubts
