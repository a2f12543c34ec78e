"""Files of a run that carry their digests: records in JSON, and stages as arrays with a header.

What was changed, damaged or cut short is found where it is read, once, and said; nothing of it goes any further.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from acyclome._version import __version__
from acyclome.errors import InputError
from acyclome.io.atomic import plain, write_json, write_npz
from acyclome.io.declared import memory_limit

ENCODING_TYPE = "acyclome-stage"
ENCODING_VERSION = "0.2.0"  # 0.1.0 had no digest
_DIGEST = "digest"  # of a record, in which nothing else is called so
_HEADER = "__header__"  # a name that no array of a stage has


def fingerprint(*parts: Any) -> str:
    """Return a short digest of numbers, texts, mappings and arrays: equal parts, equal digest, on every machine."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"array {part.dtype.str} {part.shape} ".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(plain(part), sort_keys=True, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()[:32]  # 128 bits


def write_stage(path: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], *, key: str) -> None:
    """Write the result of a stage, whole or not at all; equal content, equal bytes."""
    header = {
        "encoding-type": ENCODING_TYPE,
        "encoding-version": ENCODING_VERSION,
        "acyclome": __version__,
        "stage": path.stem,
        "key": key,
        "facts": plain(facts),
    }
    header["digest"] = fingerprint(header, *(part for name in sorted(arrays) for part in (name, arrays[name])))
    text = json.dumps(header, ensure_ascii=False, allow_nan=False).encode("utf-8")
    write_npz(path, {_HEADER: np.frombuffer(text, dtype=np.uint8), **arrays})


def read_stage(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], str]:
    """Return the arrays, the facts and the key of a finished stage."""
    with reading(path):
        header = _read_header(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {member: archive[member] for member in archive.files if member != _HEADER}
        found = header.pop("digest")
        if found != fingerprint(header, *(part for name in sorted(arrays) for part in (name, arrays[name]))):
            msg = "what it holds is not what was written"
            raise ValueError(msg)
    return arrays, header["facts"], header["key"]


def key_of(path: Path) -> str:
    """Return the key of a finished stage."""
    with reading(path):
        return str(_read_header(path)["key"])


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a digest of what it says, however it is laid out."""
    said = {name: value for name, value in plain(content).items() if name != _DIGEST}
    write_json(path, {**said, _DIGEST: fingerprint(said)})


def read_record(path: Path, kinds: Mapping[str, type]) -> dict[str, Any]:
    """Read what :func:`write_record` wrote, with these entries; a record of version 0.1.0 has no digest."""
    with reading(path):
        said = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(said, dict):
            msg = f"it holds {type(said).__name__}, expected an object with names"
            raise ValueError(msg)
        if said.pop(_DIGEST, None) not in (None, fingerprint(said)):
            msg = "what it says is not what was written"
            raise ValueError(msg)
        for name, kind in kinds.items():
            if not isinstance(said.get(name), kind):
                msg = f"its entry {name!r} is not there, or of another kind than {kind.__name__}"
                raise ValueError(msg)
    return said


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong while a file is read into an InputError with advice."""
    try:
        yield
    except InputError:  # is a ValueError too, and says already what is wrong
        raise
    except FileNotFoundError as error:
        msg = (
            f"{path} is missing, so {path.stem!r} has not been finished in this folder. "
            "Run that stage first, or everything with: acyclome run INPUT -o FOLDER --resume."
        )
        raise InputError(msg) from error
    except (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        msg = (
            f"{path} cannot be read: {error}. It was changed or copied incompletely, or another program wrote it. "
            "Delete it and run with --resume; the stage is then done again."
        )
        raise InputError(msg) from error


def _read_header(path: Path) -> dict[str, Any]:
    if not zipfile.is_zipfile(path):  # numpy would take it for a pickle, and say so
        msg = "it is no whole npz file" if path.stat().st_size else "it is empty"
        raise ValueError(msg)
    _check_members(path)
    with np.load(path, allow_pickle=False) as archive:
        if _HEADER not in archive.files:
            msg = "it is not a stage file of acyclome"
            raise ValueError(msg)
        header: dict[str, Any] = json.loads(archive[_HEADER].tobytes())
    if not isinstance(header, dict):
        msg = "it is not a stage file of acyclome"
        raise ValueError(msg)
    if (header.get("encoding-type"), header.get("encoding-version")) != (ENCODING_TYPE, ENCODING_VERSION):
        found = f"{header.get('encoding-type')} {header.get('encoding-version')}"
        msg = f"it holds {found}, expected {ENCODING_TYPE} {ENCODING_VERSION}"
        raise ValueError(msg)
    return header


def _check_members(path: Path) -> None:
    """Refuse arrays that declare other sizes than they have, for which memory would be taken before any is read."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, kind = read(stream)
                size = math.prod(shape) * kind.itemsize
                if kind.hasobject or size != member.file_size - stream.tell() or size > memory_limit():
                    msg = f"its array {member.filename} declares {size:,} bytes, and there are {member.file_size:,}"
                    raise ValueError(msg)
