"""Columns of numbers as text, in a quarter of what JSON takes: base64 of whole numbers, so many to one.

``page.js`` unpacks them. Little-endian, as every processor is on which a browser runs.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

PER_ONE = 10_000  # four decimals, as the tables have them, of which the page shows two
UNKNOWN = -(2**15)  # the code of what is not known
_LARGEST = 2**15 - 1


def pack_whole(values: Iterable[int]) -> dict[str, Any]:
    """Pack whole numbers from 0, in one, two or four bytes each."""
    numbers = np.asarray(values if isinstance(values, np.ndarray) else list(values), dtype=np.int64)
    size = next(size for size in (1, 2, 4) if numbers.max(initial=0) < 256**size)
    return {"type": f"u{size}", "data": text(numbers.astype(f"<u{size}"))}


def pack(values: Iterable[float]) -> dict[str, Any]:
    """Pack numbers in two bytes each: ``PER_ONE`` codes to one, or as many as the largest allows.

    NaN and what is infinite are not known.
    """
    numbers = np.asarray(values, dtype=float)
    is_known = np.isfinite(numbers)
    known = np.where(is_known, numbers, 0.0)
    largest = float(np.abs(known).max(initial=0.0))
    per_one = PER_ONE if largest * PER_ONE <= _LARGEST else _LARGEST / largest
    codes = np.where(is_known, np.round(known * per_one), UNKNOWN)
    return {"type": "i2", "per_one": per_one, "data": text(np.clip(codes, UNKNOWN, _LARGEST).astype("<i2"))}


def text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
