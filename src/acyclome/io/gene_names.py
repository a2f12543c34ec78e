"""What the names of rows and columns tell: which kind of gene names they are, and whether a matrix lies on its side."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

_ENSEMBL = re.compile(r"ENS[A-Z]{0,4}G\d{8,}(\.\d+)?")  # letters for the species, none for man; a version
# Two letters at the head, or one like C1QA; not one and digits alone, which is how columns are numbered.
_SYMBOL = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]*([-.@][A-Za-z0-9]+)*|[A-Za-z]\d[A-Za-z][A-Za-z0-9]*")
# Names that occur in nearly every data set of human and mouse, and the systematic names of other organisms.
_KNOWN_GENE = re.compile(
    r"(RP[LS]P?\d+[AXYL]?\d*|MT-[A-Z0-9]+|HLA-[A-Z0-9]+|EEF1A1|ACTB|ACTG1|GAPDH|B2M|MALAT1|TMSB4X|TMSB10|FTL|FTH1|TP53|MYC"
    r"|UBC|LDHA|ENO1|VIM|PTPRC|CD74|LYZ|NKG7|LINC\d{5}|LOC\d{5,}|Y[A-P][LR]\d{3}[WC](-[A-Z])?|AT[1-5CM]G\d{5}"
    r"|FBGN\d{7}|WBGENE\d{8}|gene[_.-]?\d+)",
    re.IGNORECASE,
)
# Barcodes of at least twelve bases (Drop-seq; those of 10x have sixteen), and what people number.
_OBSERVATION = re.compile(
    r"(\w+[_:#-])?[ACGT]{12,}([-_.]\w+)*|(cell|sample|barcode|patient|donor|spot)[_. -]?\d+", re.IGNORECASE
)
_GENE_HEADERS = {"gene", "genes", "geneid", "genesymbol", "symbol", "genename", "ensembl", "ensemblid", "feature"}
_OBSERVATION_HEADERS = {
    *("cell", "cells", "cellid", "barcode", "barcodes", "sample", "samples", "sampleid", "observation")
}
_ENOUGH = 0.5  # files mix in controls, antibodies and clones: most names decide
_MOST_ROWS = 100_000  # no annotation has more; identifiers of Entrez go into the millions
_LOOKED_AT = 10_000  # names, spread over all: a share is known to a hundredth; a million took a second for each pattern
_KNOWN_ENOUGH = 5  # genes that everybody measures; no list of cells has so many of their names by chance


def kind_of_names(names: Sequence[str]) -> str:
    """Return whether most names are Ensembl ids (``ensembl``), look like gene symbols (``symbol``), or neither."""
    if _share(names, _ENSEMBL) >= _ENOUGH:
        return "ensembl"
    return "symbol" if _share(names, _SYMBOL) >= _ENOUGH and _share(names, _OBSERVATION) < _ENOUGH else "other"


def repeated(names: Iterable[str]) -> list[str]:
    """Return the names that occur more than once, in the order of their first occurrence."""
    return [name for name, count in Counter(names).items() if count > 1]


def are_row_numbers(names: Sequence[str]) -> bool:
    """Return whether names are whole numbers that go up, as rows are counted, not identifiers such as those of Entrez.

    A part of them, left by a filter, counts up as well.
    """
    if len(names) < 2 or not all(re.fullmatch(r"\d{1,6}", name) for name in names):
        return False
    numbers = [int(name) for name in names]
    return numbers[-1] < _MOST_ROWS and all(a < b for a, b in itertools.pairwise(numbers))


def lies_on_its_side(observations: Sequence[str], genes: Sequence[str], corner: str = "") -> bool:
    """Return whether the names say that what was read as observations are genes, or the other way round.

    ``corner`` is the header of the column that holds the names of the observations, which often says what they are.
    """
    header = _bare(corner)
    if header in _OBSERVATION_HEADERS or _are_genes(genes) or _share(observations, _OBSERVATION) >= _ENOUGH:
        return False
    return header in _GENE_HEADERS or _are_genes(observations) or _share(genes, _OBSERVATION) >= _ENOUGH


def heads_names(header: str) -> bool:
    """Return whether the header of a first column says that it holds names: none, or a word such as gene or cell."""
    return header == "" or _bare(header) in _GENE_HEADERS | _OBSERVATION_HEADERS


def _are_genes(names: Sequence[str]) -> bool:
    if _share(names, _ENSEMBL) >= _ENOUGH:
        return True
    enough = min(_KNOWN_ENOUGH, max(1, len(names) // 2))  # half of a small panel
    known = (name for name in _spread(names, _MOST_ROWS) if _KNOWN_GENE.fullmatch(name))
    return sum(1 for _ in itertools.islice(known, enough)) == enough


def _bare(header: str) -> str:
    return re.sub(r"[^a-z]", "", header.lower())


def _share(names: Sequence[str], pattern: re.Pattern[str]) -> float:
    looked_at = _spread(names, _LOOKED_AT)
    return sum(pattern.fullmatch(name) is not None for name in looked_at) / max(len(looked_at), 1)


def _spread(names: Sequence[str], most: int) -> Sequence[str]:
    """Return names, of more than ``most`` so many or a few less at even distances."""
    return names[:: -(-len(names) // most)] if len(names) > most else names
