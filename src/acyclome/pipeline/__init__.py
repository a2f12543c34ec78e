"""From options and files to a network: data, stages, sessions, commands."""

from __future__ import annotations

from typing import Any

__all__ = ["learn_store"]


def __getattr__(name: str) -> Any:
    """Import :func:`acyclome.pipeline.doors.learn_store` once it is asked for; it takes all that computes with it."""
    if name != "learn_store":
        raise AttributeError(name)
    from acyclome.pipeline.doors import learn_store

    return learn_store
