"""Digest of an input as it lies on disk, file or folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def input_digest(path: str | os.PathLike[str]) -> str:
    """Return the blake2b digest of a file, or of the names and contents of all files of a folder, as 32 hex digits."""
    root = Path(path)
    digest = hashlib.blake2b(digest_size=16)
    files = sorted(part for part in root.rglob("*") if part.is_file()) if root.is_dir() else [root]
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode())  # so that a file that is renamed counts as another
        with file.open("rb") as handle:
            hashlib.file_digest(handle, lambda: digest)  # goes on with the digest that it is given
    return digest.hexdigest()
