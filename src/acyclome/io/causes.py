"""Why a file cannot be read: the cause that shows in the error, or in how the file begins, with a way out for each."""

from __future__ import annotations

import re
from pathlib import Path

from acyclome.errors import InputError

_HEAD = 512  # bytes; what a file is shows in the first few
# How files begin, what that is, and what to do.
_BEGINNINGS = (
    (rb"\A\Z", "it is empty", "The step that wrote it failed, or the disk was full: write or copy it again."),
    (rb"\x1f\x8b", "it is packed by gzip", "Unpack it (gunzip), or give it the ending .gz where that is read."),
    (rb"PK\x03\x04|\xd0\xcf\x11\xe0", "it is a spreadsheet or a zip archive", "Save the sheet as csv, or unpack it."),
    (rb"\s*<(!DOCTYPE|html|\?xml)", "it is a web page", "The download gave a page instead of the file: get it again."),
    (rb"version https://git-lfs", "it is a pointer of git-lfs", "Get the file itself: git lfs pull."),
    (
        rb"(RDX|RDA)[23]\n|X\n\x00\x00",
        "it is data of R",
        "Write it from R as h5ad (zellkonverter::writeH5AD) or as csv.",
    ),
    (rb"\xff\xfe|\xfe\xff", "it is text in UTF-16", "Save it as UTF-8 (of a spreadsheet: CSV UTF-8)."),
    (rb"\x89HDF\r\n", "it is HDF5", "Give it the ending .h5ad (AnnData) or .h5 (10x)."),
    (rb"%%MatrixMarket", "it is a Matrix Market file", "Give it the ending .mtx, beside its features and barcodes."),
)
# What the libraries say, and what to do.
_SAYINGS = (
    (
        "unable to lock file",
        "Another program has it open for writing (a notebook?), or its file system knows no locks (NFS). Close it "
        "there; if nothing writes to it, set the environment variable HDF5_USE_FILE_LOCKING=FALSE.",
    ),
    ("truncated file|end[- ]of[- ](file|stream|data)|EOF", "It is cut short: copy it again."),
    ("codec can't decode", "It is not text in UTF-8: save it as that."),
    ("Permission denied", "You may not read it: ask its owner, or chmod u+r."),
    (
        "filter|plugin|codec",
        "Its values are packed in a way that is not known here, or damaged. Install hdf5plugin where it was written "
        "and write it again with compression='gzip'; if that was done, copy it again.",
    ),
    ("too many (soft )?links|[Cc]ircular", "Its links run in a circle: write it anew."),
    ("[Rr]ead method|encoding|IOSpec", "It may be written by a newer anndata: update it (pip install -U anndata)."),
)
_ELSE = "It is damaged, or of another program: copy it again, or have that program write it anew."


def unreadable(path: Path, error: Exception | str, expected: str) -> InputError:
    """Return the error that says what is wrong with a file, what was expected, and what to do."""
    said = _first_line(str(error)) or type(error).__name__
    begins = _beginning(path)
    for pattern, advice in _SAYINGS[:1]:  # a locked file begins as it should
        if re.search(pattern, said):
            begins = ("", advice)
    if begins is None:
        begins = ("", next((advice for pattern, advice in _SAYINGS if re.search(pattern, said)), _ELSE))
    what, advice = begins
    return InputError(f"Cannot read {str(path)!r}: {what or said}. Expected {expected}. {advice}")


def check_beginning(path: Path, expected: str, *, may_be_packed: bool = False) -> None:
    """Refuse a file that begins as one of another kind, and not as its ending says."""
    found = _beginning(path)
    if found is not None and not (may_be_packed and "gzip" in found[0]):
        raise unreadable(path, "", expected)


def _beginning(path: Path) -> tuple[str, str] | None:
    """Return what a file is by its first bytes, and what to do, unless its ending says the same."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError:
        return None
    endings = "".join(path.suffixes[-2:]).lower()
    for pattern, what, advice in _BEGINNINGS:
        if re.match(pattern, head, re.IGNORECASE):
            is_meant = (what.endswith("gzip") and endings.endswith(".gz")) or (
                what.endswith("HDF5") and endings.endswith((".h5ad", ".h5", ".hdf5", ".h5mu"))
            )
            return None if is_meant or (what.endswith("Market file") and ".mtx" in endings) else (what, advice)
    return None


def _first_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0].rstrip(". ")[:300] if lines else ""
