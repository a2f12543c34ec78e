"""How a text table begins: lines of comment, the mark between its cells, and the names in its first line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from acyclome.io import causes
from acyclome.io.declared import LimitedStream
from acyclome.io.gene_names import heads_names

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".gct")
_SEPARATORS = {".csv": ",;\t", ".tsv": "\t,;", ".tab": "\t,;", ".txt": "\t,;", ".gct": "\t"}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")  # float() takes more, such as 1_000
_LONGEST_LINE = 2**28  # bytes; a million names of cells take a tenth of it
EXPECTED = (
    "names in the first line and the first column and numbers elsewhere, separated by commas (.csv) or tabs (.tsv), "
    "plain or compressed (.gz)"
)
BROKEN = (OSError, EOFError, ValueError, OverflowError, zlib.error)  # what pandas and codecs raise is ValueError


class Head(NamedTuple):
    """How a table begins: lines above the header, separator, cells of the header and of the line below it."""

    skipped: int
    separator: str
    first: list[str]
    second: list[str]

    @property
    def has_index(self) -> bool:
        """Whether the first column holds names: it has no or an index-like header, or its cell is no number."""
        is_short = len(self.first) == len(self.second) - 1  # as R writes tables
        return is_short or heads_names(self.first[0]) or not is_number(self.second[0])


def read_head(path: Path) -> Head:
    causes.check_beginning(path, EXPECTED)
    suffix = next((one for one in reversed(path.suffixes) if one.lower() in _SEPARATORS), ".txt").lower()
    try:
        with open_bytes(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
            lines = [text.readline(_LONGEST_LINE)]
            skipped = 0
            while lines[0].startswith("#") or (lines[0] and not lines[0].strip()):  # comments, and empty lines
                if lines[0].startswith("#1."):  # of GCT, whose second line has the extents
                    text.readline(_LONGEST_LINE)
                    skipped += 1
                following = text.readline(_LONGEST_LINE)
                marks = max("\t,;", key=following.count)
                if lines[0].startswith("#") and 0 < following.count(marks) <= lines[0].count(marks) + 1:
                    lines = [lines[0].lstrip("# "), following]  # a header with a mark of comment before it
                    break
                lines, skipped = [following], skipped + 1
            lines = lines if len(lines) > 1 else [*lines, text.readline(_LONGEST_LINE)]
    except BROKEN as error:
        raise causes.unreadable(path, error, EXPECTED) from error
    if not lines[1].strip():
        raise causes.unreadable(path, "it has fewer than two lines", EXPECTED)
    separator = _separator(lines, _SEPARATORS[suffix])
    first, second = (_split(line, separator) for line in lines)
    return Head(skipped, separator, [cell.strip() for cell in first], second)


def _separator(lines: Sequence[str], marks: str) -> str:
    """Return the mark that cuts both lines into as many cells, or one more below, and into most of them."""
    marks = marks if any(mark in lines[1].strip() for mark in marks) else " "  # blanks, where there is nothing else
    widths = {mark: [len(_split(line, mark)) for line in lines] for mark in marks}
    fitting = [mark for mark in marks if widths[mark][1] - widths[mark][0] in (0, 1) and widths[mark][1] > 1]
    there = [mark for mark in marks if mark in lines[1].strip()]
    return max(fitting, key=lambda mark: widths[mark][0], default=(there or [marks[0]])[0])


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line.rstrip("\r\n")], delimiter=separator))


def open_bytes(path: Path) -> io.BufferedReader:
    is_packed = path.suffix.lower() == ".gz"
    stream = gzip.GzipFile(path, "rb") if is_packed else path.open("rb")
    return io.BufferedReader(LimitedStream(stream, repr(str(path))))


def is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
