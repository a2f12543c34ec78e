"""What a page carries, read by the description of its packing alone."""

from __future__ import annotations

import base64

import numpy as np


def unpacked(column: dict) -> np.ndarray:
    kind = np.dtype(column["type"].replace("u", "<u").replace("i", "<i"))
    codes = np.frombuffer(base64.b64decode(column["data"]), kind)
    return np.where(codes == -(2**15), np.nan, codes / column["per_one"]) if "per_one" in column else codes
