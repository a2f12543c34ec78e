"""The measuring tools beside the repository, as an oracle that shares no code with the package."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2].parent / "shared" / "bench"


@cache
def _load(name):
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def bench():
    """Give the function that loads one of the measuring tools by name."""
    if not BENCH.exists():
        pytest.skip("the measuring tools in ../shared/bench are absent")
    return _load
