"""Values of options as loops over parameters make them: numbers, lists and columns of numpy and pandas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as Python has it; of what has neither numbers of numpy nor lists of pandas, itself."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return value.tolist() if hasattr(value, "dtype") and hasattr(value, "tolist") else value
