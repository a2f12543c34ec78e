"""Damage: what a bad disk, another program, or somebody who means harm makes of a file that was whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

SENTINEL = "THIS-WAS-OUTSIDE"  # content of a file that no input may lead to
# Numbers at which programs break, as whole numbers of 1, 2, 4 and 8 bytes.
_EDGES = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**53, 2**62, -(2**63))
WORDS = (
    *("", " ", "0", "-1", "-0.0", "1e400", "-1e400", "1e39", "1_000", "1,5", "0x10", "9" * 400, "nan", "NaN", "NA"),
    *("inf", "-Infinity", "null", "None", "true", "TRUE", "a", "SPI1", "SPI1 ", "spi1", "=1+1", "@x", "a;b", "a,b"),
    *(
        "a\tb",
        "'",
        '"',
        '"""',
        "\\",
        "#",
        "%",
        "\x1b[31mred",
        "\x07",
        "\u202e",
        "ü",
        "\U0001f9ec",
        "\ufeff",
        "a" * 5000,
    ),
    *("../x", "/dev/zero", "<script>", "&amp;", "${HOME}", "{{x}}", "%s%n", "__class__", "\x00", "\r", "\r\n", "\n"),
    *("\n\n\n", "1e", ".", "+", "-"),
)


def pick(rng: np.random.Generator, among: Any) -> Any:
    return among[int(rng.integers(len(among)))]


def in_bytes(data: bytes, rng: np.random.Generator, other: bytes = b"") -> bytes:
    """Return bytes with one to eight changes, each of them flipped, overwritten, cut, repeated or put in."""
    content = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4, 8]))):
        if not content:
            return bytes(content)
        at, length = int(rng.integers(len(content))), int(rng.choice([1, 2, 4, 8, 16, 64, 256]))
        kind = int(rng.integers(9))
        if kind <= 1:
            content[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            content[at] = int(rng.integers(256))
        elif kind in (3, 4):
            width = int(rng.choice([1, 2, 4, 8]))
            number = int(pick(rng, _EDGES)) % (1 << (8 * width))
            content[at : at + width] = number.to_bytes(width, "big" if rng.random() < 0.2 else "little")
        elif kind == 5:
            del content[at : at + length]
        elif kind == 6:
            content[at:at] = content[at : at + length] * int(rng.choice([1, 1, 3, 50]))
        elif kind == 7:
            content[at:at] = rng.bytes(length)
        elif rng.random() < 0.5:
            del content[at:]
        else:
            content[at:] = other[int(rng.integers(len(other) + 1)) :]
    return bytes(content)


def in_text(data: bytes, rng: np.random.Generator, marks: str = "\t,; \n") -> bytes:
    """Return text with cells, lines and the marks between them changed."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(int(rng.choice([1, 1, 2, 3, 6]))):
        lines = text.split("\n")
        at, kind = int(rng.integers(len(lines))), int(rng.integers(10))
        mark = max(marks.replace("\n", ""), key=lines[at].count) or " "
        cells = lines[at].split(mark)
        if kind <= 4:
            cells[int(rng.integers(len(cells)))] = pick(rng, WORDS)
            lines[at] = mark.join(cells)
        elif kind == 5:
            del lines[at]
        elif kind == 6:
            lines[at:at] = [lines[at]] * int(rng.choice([1, 1, 2, 100]))
        elif kind == 7:
            other = int(rng.integers(len(lines)))
            lines[at], lines[other] = lines[other], lines[at]
        elif kind == 8:
            lines[at] = lines[at].replace(mark, pick(rng, marks)) if rng.random() < 0.5 else lines[at] + mark
        else:
            lines[at] = mark.join([pick(rng, WORDS), *cells] if rng.random() < 0.5 else cells[1:])
        text = "\n".join(lines)
    return text.encode("utf-8", "surrogateescape" if rng.random() < 0.9 else "surrogatepass")


def in_tree(tree: Any, rng: np.random.Generator) -> Any:
    """Return what JSON holds with one or some of its parts replaced, dropped, renamed or nested."""
    tree = json.loads(json.dumps(tree))
    for _ in range(int(rng.choice([1, 1, 2, 4]))):
        places = list(_places(tree))
        if not places:
            return value(rng)
        home, key = pick(rng, places)
        kind = int(rng.integers(6))
        if kind <= 2:
            home[key] = value(rng)
        elif kind == 3:
            del home[key]
        elif kind == 4 and isinstance(home, dict):
            home[str(pick(rng, WORDS))] = home.pop(key)
        else:
            home[key] = [home[key]] if rng.random() < 0.5 else {"x": home[key]}
    return tree


def _places(tree: Any) -> Any:
    """Yield every list and mapping in a tree, with each of its keys."""
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def value(rng: np.random.Generator) -> Any:
    """Return something that JSON can hold."""
    numbers = [0, -1, 1.5, 2**70, -(2**63), 1e308, 7, 0.1]
    return pick(rng, [None, True, *numbers, "x", "auto", [], {}, [1], {"a": 1}, [[[]]], pick(rng, WORDS)])


def in_array(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an array with values, length, shape or kind changed."""
    array, kind = array.copy(), int(rng.integers(9))
    if kind <= 3 and array.size and array.dtype.kind in "iufb":
        flat = array.reshape(-1)
        with np.errstate(all="ignore"):
            new = np.array([pick(rng, [*_EDGES, array.size, array.size - 1, np.nan, np.inf, 1e300, 0.5])], dtype=float)
            flat[int(rng.integers(flat.size))] = new.astype(array.dtype)[0]
        return array
    if kind == 4:
        return array[: int(rng.integers(len(array) + 1))] if array.ndim else array[None]
    if kind == 5:
        return np.concatenate([array, array[: 1 + int(rng.integers(3))]]) if array.ndim else array
    if kind == 6:
        with np.errstate(all="ignore"):
            return array.astype(str(pick(rng, ["f8", "f4", "u1", "i8", "i1", "S3", "U2", "?", "c16", "f2"])), copy=True)
    if kind == 7:
        return array[::-1].copy() if array.ndim else array
    return array.reshape(pick(rng, [(-1, 1), (1, -1), (1, -1, 1)]))


def in_arrays(arrays: Mapping[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return arrays of which some are changed, dropped, renamed or exchanged."""
    arrays = dict(arrays)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        if not arrays:
            break
        name, kind = pick(rng, sorted(arrays)), int(rng.integers(8))
        if kind <= 4:
            arrays[name] = in_array(arrays[name], rng)
        elif kind == 5:
            del arrays[name]
        elif kind == 6:
            arrays[str(pick(rng, ["x", "W", "source", "data", "a" * 300]))] = arrays[name]
        else:
            arrays[name] = arrays[pick(rng, sorted(arrays))]
    return arrays


class Payload:
    """What a pickle would do if anything loaded it: leave a mark."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (self._mark,)
