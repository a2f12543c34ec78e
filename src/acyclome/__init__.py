"""Causal gene networks for the whole transcriptome.

The names below are loaded when they are first used, so that ``import acyclome`` stays quick and works even
where a heavy dependency is broken.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from acyclome._version import __version__

if TYPE_CHECKING:
    from acyclome import get, pl, pp, tl
    from acyclome.config import Config
    from acyclome.io.grnndata import from_grnndata, to_grnndata
    from acyclome.io.networks import read, write
    from acyclome.network import Network
    from acyclome.notebook import settings
    from acyclome.pipeline.learn import learn

__all__ = [
    "Config",
    "Network",
    "__version__",
    "from_grnndata",
    "get",
    "learn",
    "pl",
    "pp",
    "read",
    "settings",
    "tl",
    "to_grnndata",
    "write",
]

_HOMES = {
    "Config": "acyclome.config",
    "Network": "acyclome.network",
    "learn": "acyclome.pipeline.learn",
    "from_grnndata": "acyclome.io.grnndata",
    "read": "acyclome.io.networks",
    "settings": "acyclome.notebook",
    "to_grnndata": "acyclome.io.grnndata",
    "write": "acyclome.io.networks",
}
_ROOMS = frozenset({"get", "pl", "pp", "tl"})  # modules, as scverse names its doors


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"acyclome.{name}")
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value  # found at once the next time
        return value
    msg = f"module 'acyclome' has no attribute {name!r}; it offers {', '.join(__all__)}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__
