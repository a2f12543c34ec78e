"""What facts in JSON have to be, written as an example: ``{"name": str, "sizes": [int], "cost?": {}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unlike(facts: Any, example: Mapping[str, Any]) -> str:
    """Return the first fact, by its path with dots, that is missing or of another kind than the example; else nothing.

    A mapping in the example names the facts that are needed, and those that may be absent with a question mark; a list
    of one entry says what all entries are. A float may be a whole number, or null where it was not finite.
    """
    if not isinstance(facts, dict):
        return "(all)"
    for key, kind in example.items():
        name = key.removesuffix("?")
        if name not in facts:
            if name == key:
                return name
            continue
        found = _unlike(facts[name], kind)
        if found is not None:
            return f"{name}{found}"
    return ""


def _unlike(value: Any, kind: Any) -> str | None:
    """Return the rest of the path to what is of another kind, None where all is as it should be."""
    if isinstance(kind, Mapping):
        inner = unlike(value, kind)
        return f".{inner}" if inner else None
    if isinstance(kind, list):
        if not isinstance(value, list):
            return ""
        return next(
            (f"[{at}]{found}" for at, one in enumerate(value) if (found := _unlike(one, kind[0])) is not None), None
        )
    if kind is float:
        return None if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) else ""
    return None if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) else ""
