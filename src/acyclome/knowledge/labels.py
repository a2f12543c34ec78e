"""What a label of an observation says was done there: which genes were targets, nothing, or something unknown.

A name is matched whole first (HLA-A, NKX2-1). What is no name is taken apart, at any mark, into names of genes and
controls and what screens add to them: numbers of guides, ``sg``, ``KO``. Upper and lower case differ, as in all
matching of names. A label of which anything is left over is not understood, and a treatment that is not known is no
control.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from acyclome.knowledge.symbols import Symbols, as_symbols

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = ";"  # that we ask for
_BETWEEN = re.compile("[;+,|&/]")  # marks that join targets and stand in hardly a name
NOTHING = frozenset({"", "nan", "NaN", "NA", "N/A", "None", "<NA>", "NaT"})  # as pandas, numpy and R write a gap
# A control beside a target, as in KLF1+ctrl (GEARS, scPerturb); alone it is one only where the options say so.
_CONTROL = re.compile(
    r"(?i)(neg(ative)?)?(ctrl|control)\d*|nt|ntc|non[-_ ]?targeting|safe[-_ ]?(targeting|harbor)|neg(ative)?|scrambled?"
)
# A word beside the name of a gene: number of a guide or its sequence, promoter, kind of the intervention.
_BESIDE = re.compile(
    r"(?i)(sg|g|guide|sh|si|(sg|g|cr|sh|si)rna|rep|p|v)?\d+|(p\d)+|[acgt]{15,}|and|with|plus|p|sg|guide|(sg|g|cr|sh|si)rna"
    r"|crispr[ain]?|ko|kd|ki|oe|knockout|knockdown|overexpression|activation"
)
# sgKLF1, KLF1g2: glued to the name, small beside its capital or number.
_BEFORE, _AFTER = re.compile(r"^(?:sg|sh|si|g)(?=[A-Z])"), re.compile(r"(?<=[A-Z0-9])(?:sg|sh|si|g)\d+$")
# Behind a symbol, the id of the same gene: 9_KLF1_P1P2_ENSG00000105610.
_WITH_ID = re.compile(r"((?:(?!ENS[A-Z]*G\d{11}).)+)_ENS[A-Z]*G\d{11}(\.\d+)?")
_WORD = re.compile(r"[^\W_]+")
_MOST_WORDS = 32  # of a label; two guides with sequences and positions have a dozen, and a text is no label


class Reading(NamedTuple):
    """What one label says; there may be no targets, and then nothing was done."""

    targets: tuple[str, ...] = ()  # genes of the data
    unknown: tuple[str, ...] = ()  # named, and no gene of the data
    is_missing: bool = False  # no label, where controls have one

    @property
    def is_clear(self) -> bool:
        return not (self.unknown or self.is_missing)


class LabelReader:
    """Reads labels by the names of the genes; ``control`` may be several names, joined as targets are.

    Without a control, observations without a label are the controls.
    """

    def __init__(self, genes: Iterable[str], control: str | None, labels: Iterable[str] = ()) -> None:
        self.genes = frozenset(genes)
        names = [control or ""] if control in set(labels) else parts(control or "")
        self.controls = frozenset(names) - {""}

    def read(self, label: object) -> Reading:
        text = str(label).strip()
        if text in NOTHING and text not in self.controls:
            return Reading(is_missing=bool(self.controls))
        found = self._understood(text)
        if found is not None:
            return Reading(tuple(found))
        known = {part: self._understood(part) for part in parts(text)}
        unknown = [part for part, some in known.items() if some is None and not _CONTROL.fullmatch(part)]
        targets = [name for some in known.values() for name in some or ()]
        return Reading(tuple(dict.fromkeys(targets)), tuple(unknown or [text]))

    def controls_in(self, label: object) -> set[str]:
        """Return the controls that a label names, alone or beside others."""
        text = str(label).strip()
        return {text} & self.controls or {name for _, _, name in _pieces(text) if name in self.controls}

    def _understood(self, text: str) -> list[str] | None:
        """Return the targets that a text names, none where it is a control; None if anything is left over."""
        if text in self.genes or text in self.controls:
            return [text] if text not in self.controls else []
        # Of each word at which a piece may end, the best way there: strange words, pieces, targets, is anything named.
        best: dict[int, tuple[int, int, list[str], bool]] = {0: (0, 0, [], False)}
        for first, end, piece in _pieces(text):  # pieces in the order of their first word
            if first not in best or (meant := self._meant(piece)) is None:
                continue
            beside, count, targets, is_named = best[first]
            new = [] if meant in self.controls or meant == "" else [meant]
            way = (beside + (meant == ""), count + 1, [*targets, *new], is_named or meant != "")
            if end not in best or (not way[3], *way[:2]) < (not best[end][3], *best[end][:2]):
                best[end] = way
        _, _, targets, is_named = best.get(len(_WORD.findall(text)), (0, 0, [], False))
        if is_named:
            return list(dict.fromkeys(targets))
        with_id = _WITH_ID.fullmatch(text)
        return self._understood(with_id[1]) if with_id else None

    def _meant(self, piece: str) -> str | None:
        """Return the gene or the control that a piece names, empty for what stands beside names, None for neither."""
        bare = _BEFORE.sub("", piece)
        for name in (piece, bare, _AFTER.sub("", piece), _AFTER.sub("", bare)):
            if name in self.genes or name in self.controls:
                return name
        return "" if _BESIDE.fullmatch(piece) or _CONTROL.fullmatch(piece) else None


class LabelColumn(NamedTuple):
    """The label of every observation, ``kind`` ``(n,)``, and what the labels say: as written, and of genes by ids."""

    kind: np.ndarray
    labels: list[str]
    told: Sequence[str]  # the genes as labels name them
    said: list[Reading]
    readings: list[Reading]

    @classmethod
    def read(
        cls, column: pd.Series[Any], control: str | None, *, genes: Sequence[str], symbols: Symbols | None = None
    ) -> LabelColumn:
        """Read a column of labels, all in one nomenclature: the one in which more of them name targets."""
        import pandas as pd

        kind, distinct = pd.factorize(column.astype(object).map(str))  # few labels, many observations
        labels = distinct.tolist()

        def read_as(told: Sequence[str]) -> LabelColumn:
            reader, gene_of = LabelReader(told, control, labels), dict(zip(told, genes, strict=True))
            said = [reader.read(label) for label in labels]
            readings = [one._replace(targets=tuple(gene_of[name] for name in one.targets)) for one in said]
            return cls(kind, labels, told, said, readings)

        ways = [genes, as_symbols(genes, symbols)] if symbols else [genes]
        return max(map(read_as, ways), key=lambda found: sum(bool(reading.targets) for reading in found.said))

    @property
    def targets(self) -> frozenset[str]:
        """The genes that any observation names as a target, of which it is known what was done."""
        return frozenset(gene for reading in self.readings if reading.is_clear for gene in reading.targets)


def parts(text: str) -> list[str]:
    """Return what stands between marks that join targets, without repeats and gaps."""
    cut = (part.strip() for part in _BETWEEN.split(text))
    return [part for part in dict.fromkeys(cut) if part not in NOTHING]


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield all runs of words of a text: numbers of the first word and of the one after the last, and the run."""
    words = list(_WORD.finditer(text))
    if len(words) > _MOST_WORDS:
        return
    for first, start in enumerate(words):
        for end in range(first, len(words)):
            yield first, end + 1, text[start.start() : words[end].end()]
            yield first, end + 1, text[start.start() : words[end].end() + 1].rstrip()  # with its last mark: Su(H)
