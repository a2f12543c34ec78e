"""What is known before the data are seen: the regulators, the only genes that may be causes.

Names are matched exactly. Nothing is matched "almost": a list in another nomenclature is an error that says which one,
since a network learned with half of its regulators silently missing looks like any other.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from acyclome.errors import InputError, examples
from acyclome.io.strangers import GENOME
from acyclome.knowledge.lists import Listed, is_shipped, read_list
from acyclome.knowledge.symbols import Symbols, Translator
from acyclome.wording import plural

Regulators: TypeAlias = Sequence[str] | str | os.PathLike[str]

_ENSEMBL = re.compile(r"ENS[A-Z]{0,6}[GT]\d{6,}(\.\d+)?")
_VERSION = re.compile(r"\.\d+$")
_BARCODE = re.compile(r"([A-Za-z0-9]+[_:#])*[ACGT]{8,}([-_.]\w+)*")  # no gene is called by eight of these letters
_SHOWN = 1000  # names looked at: half of so many tell the kind of all


def read_regulators(path: str | os.PathLike[str]) -> list[str]:
    """Read a list of genes, one a line or in another form of the field, where the genes of the data are not known."""
    return read_list(path).names


def listed_regulators(given: Regulators | None) -> Regulators | None:
    """Return the names of a list of regulators as texts, or the path of a file that can be read; None stays None."""
    if given is None:
        return None
    if not isinstance(given, (str, os.PathLike, Iterable)):
        msg = f"regulators is of the type {type(given).__name__}. Expected a list of genes, or the path of a file."
        raise InputError(msg)
    if not isinstance(given, (str, os.PathLike)):
        return [str(name) for name in given]
    if not (is_shipped(given) or os.path.exists(given)):  # noqa: PTH110 - False, too, of a name that no system takes
        text = textwrap.shorten(os.fspath(given), 60, placeholder="...")
        msg = (
            f"regulators = {text!r} is one text, and there is no file of this name. Expected a list of genes, such as "
            f"[{text!r}], the path of a file with one gene a line, or 'human' or 'mouse'."
        )
        raise InputError(msg)
    read_list(given)
    return given


def find_regulators(
    genes: Sequence[str],
    names: Regulators | None,
    path: str | os.PathLike[str] | None = None,
    *,
    symbols: Symbols | None = None,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return which genes may be causes, ``(d,)`` bool, and what is to be said of names that are no genes here.

    ``names`` are those on the list, of genes or symbols, or its file, or ``human`` or ``mouse``; None takes the file at
    ``path``, and all genes where there is no list at all.  If none is among the genes, an InputError counts, shows five
    of each side, and tells the likely reason.
    """
    if isinstance(names, (str, os.PathLike)):
        names, path = None, names
    if names is None and path is None:
        return np.ones(len(genes), bool), ()
    source = "" if path is None else os.fspath(path)
    symbols = symbols or {}
    told = [*genes, *symbols.values()]
    given, notes = read_list(source, told) if names is None else Listed([str(name) for name in names])
    given = Translator(genes, symbols).all_of(given)
    listed = set(given)
    if not listed:
        msg = "The list of regulators is empty. Name at least one gene, or leave the list out: then all may be causes."
        raise InputError(msg)
    mask = np.array([gene in listed for gene in genes], bool)
    if not mask.any():
        raise InputError(_no_overlap(genes, given, source))
    # Of all factors of a species most data have a part, which is nothing to be warned of.
    if (source and is_shipped(source)) or not (warning := _partial_overlap(genes, given, source)):
        return mask, notes
    return mask, (*notes, warning)


def _partial_overlap(genes: Sequence[str], names: Sequence[str], source: str) -> str:
    """Return the warning for names on the list that are not among the genes; empty if all are."""
    known = set(genes)
    missing = [name for name in dict.fromkeys(names) if name not in known]
    if not missing:
        return ""
    total = len(set(names))
    reason = likely_reason(genes, missing)
    text = (
        f"{total - len(missing)} of {total} regulators{_from(source)} are among the {len(genes)} genes; "
        f"missing: {examples(missing)}."
    )
    return f"{text} {reason}" if reason else f"{text} They may have been filtered out in the preparation."


def _no_overlap(genes: Sequence[str], names: Sequence[str], source: str) -> str:
    reason = likely_reason(genes, names) or (
        "No likely reason was found. Check that the list and the data use the same species and the same kind of names."
    )
    return (
        f"None of the {plural(len(set(names)), 'regulator')}{_from(source)} is among the {len(genes)} genes of the "
        "data.\n"
        f"  regulators: {examples(list(dict.fromkeys(names)))}\n"
        f"  genes:      {examples(genes)}\n"
        f"{reason}"
    )


def likely_reason(genes: Sequence[str], names: Sequence[str]) -> str:
    """Return the likeliest reason why names do not match, with the way out; empty if none is likely."""
    known, upper = set(genes), {gene.upper() for gene in genes}
    bare = {_VERSION.sub("", gene) for gene in genes if _ENSEMBL.fullmatch(gene)}
    if _share(genes, _BARCODE) > 0.5:
        return (
            "The names of the genes look like cell barcodes, so the matrix is probably transposed: "
            "observations belong in rows and genes in columns (for tables: --genes-as rows)."
        )
    if blank := next((gene for gene in genes if gene != gene.strip() and gene.strip() in names), None):
        return (
            f"Names of the data have blanks around them ({blank!r}): take them away, in AnnData by adata.var_names = "
            "adata.var_names.str.strip()."
        )
    of_genome = next(
        (gene for gene in genes if GENOME.sub("", gene) not in known and GENOME.sub("", gene) in names), ""
    )
    if of_genome:
        before = of_genome.removesuffix(GENOME.sub("", of_genome))
        return (
            f"Names of the data begin with their genome ({of_genome}): take it away, in AnnData by adata.var_names = "
            f"adata.var_names.str.removeprefix({before!r})."
        )
    if any(name.upper() in upper for name in names if name not in known):
        same = next(name for name in names if name.upper() in upper and name not in known)
        return f"Upper and lower case differ ({same}): write the list as the data do (human SPI1, mouse Spi1)."
    if any(_VERSION.sub("", name) in bare for name in names if _ENSEMBL.fullmatch(name)):
        return "Ensembl ids with and without a version suffix (.1): remove the suffix on both sides."
    ours, theirs = _share(genes, _ENSEMBL) > 0.5, _share(names, _ENSEMBL) > 0.5
    if ours != theirs:
        kinds = ("Ensembl ids", "gene symbols")
        return (
            f"The data have {kinds[not ours]} and the list has {kinds[not theirs]}: translate one of them "
            "(10x files carry both), or name the column of the genes that holds symbols: --gene-names COLUMN."
        )
    return ""


def _share(names: Sequence[str], kind: re.Pattern[str]) -> float:
    shown = list(names)[:_SHOWN]
    return sum(kind.fullmatch(name) is not None for name in shown) / max(len(shown), 1)


def _from(source: str) -> str:
    return f" of {source}" if source else ""
