"""Damage to the structure of HDF5 and zarr: the library stays content, what is in the file does not fit together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.fuzzing.mutations import SENTINEL, WORDS, in_array, in_bytes, in_tree, pick

_WIDE = (10**6, 10**9, 10**12, 2**62)


def in_hdf5(path: Path, rng: np.random.Generator) -> None:
    """Change one to three members of an HDF5 file: their values, attributes, kind or place, or where they lead."""
    with h5py.File(path, "a", locking=False) as handle:
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            names: list[str] = []
            handle.visit(names.append)
            if names:
                _change(handle, pick(rng, names), rng)


def _change(handle: h5py.File, name: str, rng: np.random.Generator) -> None:
    node, kind = handle[name], int(rng.integers(14))
    if kind <= 4 and isinstance(node, h5py.Dataset):
        _replace(handle, name, _array(node, rng))
    elif kind <= 6:
        _attribute(node, rng)
    elif kind == 7:
        del handle[name]
    elif kind == 8:
        handle.move(name, f"{name}{pick(rng, ['x', '2'])}")
    elif kind == 9:
        del handle[name]
        soft = [h5py.SoftLink(leads) for leads in (name, "/", "nowhere")]
        handle[name] = pick(rng, [*soft, h5py.ExternalLink("outside.h5", "/")])
    elif kind == 10:
        del handle[name]
        handle.create_group(name) if rng.random() < 0.5 else handle.create_dataset(name, data=pick(rng, [1, "x", 2.5]))
    elif kind == 11:
        _declare(handle, name, rng)
    elif kind == 12:
        other = pick(rng, [name, "obs", "var", "X", "matrix"])
        if other in handle:
            _replace(handle, name, handle[other].ref)
    elif isinstance(node, h5py.Dataset):
        _replace(handle, name, np.array([pick(rng, WORDS).replace("\x00", "") for _ in range(4)], h5py.string_dtype()))


def _array(node: h5py.Dataset, rng: np.random.Generator) -> Any:
    if node.dtype.kind in "biufS" and node.shape is not None:
        return in_array(np.asarray(node[()]), rng)
    words = [str(word) for word in np.ravel(node.asstr(errors="replace")[()])] if node.dtype.kind == "O" else ["x"]
    if words:
        words[int(rng.integers(len(words)))] = pick(rng, [*words, *WORDS]).replace("\x00", "")
    return np.array(words[: len(words) - int(rng.integers(2))], dtype=h5py.string_dtype())


def _replace(handle: h5py.File, name: str, values: Any) -> None:
    attributes = {}
    for key in handle[name].attrs:
        attributes[key] = handle[name].attrs[key]
    del handle[name]
    handle[name] = values.astype("S") if getattr(values, "dtype", np.dtype(int)).kind == "U" else values
    for key, one in attributes.items():
        handle[name].attrs[key] = one


def _attribute(node: Any, rng: np.random.Generator) -> None:
    known = [*node.attrs] or ["encoding-type"]
    words = [
        "csr_matrix",
        "csc_matrix",
        "array",
        "dict",
        "categorical",
        "dataframe",
        "string-array",
        "x",
        "0.1.0",
        "9.9",
    ]
    others = [1, -1, 2.5, np.array([1, 2]), np.array([10**12, 3]), np.array(["a"], h5py.string_dtype()), True]
    new = pick(rng, [*words, *others])
    name = pick(rng, known)
    if name in node.attrs and rng.random() < 0.2:
        del node.attrs[name]
    else:
        node.attrs[name] = new


def _declare(handle: h5py.File, name: str, rng: np.random.Generator) -> None:
    """Put a data set there that declares far more than it stores."""
    del handle[name]
    shape = pick(rng, [(pick(rng, _WIDE),), (pick(rng, _WIDE), 6), (24, pick(rng, _WIDE))])
    chunks = tuple(min(one, 100) for one in shape)
    handle.create_dataset(name, shape=shape, dtype=pick(rng, ["f4", "i8", "u1"]), chunks=chunks)


def in_folder(folder: Path, rng: np.random.Generator, change: Any) -> None:
    """Change one to three files of a folder, or what they are: gone, a link, a folder, another file."""
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        files = sorted(part for part in folder.rglob("*") if part.is_file())
        if not files:
            return
        path, kind = pick(rng, files), int(rng.integers(12))
        if kind <= 8:
            path.write_bytes(change(path, path.read_bytes(), rng))
            continue
        path.unlink()
        if kind == 9:
            devices = [Path("/dev/zero"), Path("/proc/self/mem")]
            leads = [folder.parent / "outside.txt", path, folder, folder.parent, *devices]
            path.symlink_to(pick(rng, leads))
        elif kind == 10 and rng.random() < 0.5:
            path.mkdir()
        elif kind == 11 and len(files) > 1:
            shutil.copy(pick(rng, [file for file in files if file != path]), path)


def in_zarr_file(path: Path, data: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes of a file of a zarr folder, changed as JSON where it is that."""
    if rng.random() < 0.2 or not (path.suffix == ".json" or path.name.startswith(".z")):
        return in_bytes(data, rng)
    tree = json.loads(data)
    if rng.random() < 0.3:
        for home, key in _sizes(tree):
            home[key] = int(pick(rng, [*_WIDE, 0, -1, 1]))
            break
    return json.dumps(in_tree(tree, rng)).encode()


def _sizes(tree: Any) -> Iterator[tuple[list[Any], int]]:
    if isinstance(tree, dict):
        for key, inner in tree.items():
            if key in ("shape", "chunks", "chunk_shape") and isinstance(inner, list) and inner:
                yield inner, 0
            yield from _sizes(inner)


def outside(folder: Path) -> None:
    """Put files beside the place of an input, which it may not lead to."""
    (folder / "outside.txt").write_text(f"{SENTINEL}\n")
    with h5py.File(folder / "outside.h5", "w") as handle:
        handle["x"] = np.array([SENTINEL], dtype=h5py.string_dtype())
