"""Kernels: loops over arrays that numba compiles, and keeps on disk for every later process.

numba takes a kernel from disk while the file that it stands in is what it was, though kernels and constants of other
files are compiled into it.  Here it is taken while all that its file imports is what it was, too.

numba numbers functions as a process meets them, and code from disk is linked by these numbers: of two kernels that came
there from two processes one calls the sort of the other.  Here numbers are drawn at random, so that none comes twice.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import njit, types
from numba.core.bytecode import FunctionIdentity
from numba.core.runtime import rtsys

SHORT = 64  # kernels sort lists up to this by insertion, without a copy
IMPORT = re.compile(rb"^from (acyclome[\w.]*) import", re.MULTILINE)

# 62 bits: two of a thousand kernels have one number by a chance of 1e-13.
FunctionIdentity._unique_ids = iter(functools.partial(secrets.randbits, 62), None)


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function when it is first called, with ``options`` of :func:`numba.njit`, unless it lies on disk.

    Where nothing can be kept on disk every process compiles for itself (``acyclome doctor`` tells).
    """
    if function is None:
        return functools.partial(kernel, **options)
    # No C calls a kernel: what it would call for that is a tenth of what is compiled.
    compiled: Any = njit(nogil=True, no_cfunc_wrapper=True, **options)(function)
    if compiled is not function:  # as it is with NUMBA_DISABLE_JIT
        with suppress(RuntimeError):  # no folder takes files: not beside the module, nor in the home of the user
            compiled.enable_caching()
            file = compiled._cache._cache_file  # numba offers no public way
            file._source_stamp = _stamp(function.__module__)
            file._load_index = functools.partial(_loaded, file._load_index)
            file.save = functools.partial(_save, file)
            compiled._cache.load_overload = functools.partial(_taken, compiled._cache)
        compiled.get_call_template = functools.partial(_template, compiled.get_call_template)
        compiled.compile = functools.partial(_undisturbed, compiled.compile)
    return compiled


def _undisturbed(compile_: Callable[[Any], Any], signature: Any) -> Any:
    """Compile while no garbage is looked for: of the millions of small objects that numba makes hardly any is."""
    if not gc.isenabled():  # else a thread that ends first would have it stay off
        return compile_(signature)
    gc.disable()
    try:
        return compile_(signature)
    finally:
        gc.enable()


def _template(template: Callable[..., Any], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Type a call from another kernel as one from Python, where all whole numbers are alike.

    numba takes 0, n and an entry of 32 bits for three types, and would compile a kernel for each: a fifth of all time.
    """
    return template(tuple(map(_kind, arguments)), {name: _kind(kind) for name, kind in named.items()})


def _kind(kind: Any) -> Any:
    kind = types.unliteral(kind)
    return types.int64 if isinstance(kind, types.Integer) and kind.signed else kind


def _taken(cache: Any, signature: Any, target: Any) -> Any:
    """Take a kernel from disk, without all that numba compiles with: a quarter of a second of every process.

    What is compiled later has it loaded then.  The symbols that code from disk is linked to are there without it.
    """
    rtsys.initialize(target)  # by which kernels take memory
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(signature, target)


def _loaded(load: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """Load what lies on disk; nothing if it names classes that have gone, which numba meets before the stamp."""
    try:
        return load()
    except (AttributeError, ImportError):
        return {}


def _save(file: Any, key: Any, data: Any) -> None:
    """Write a compiled kernel under a name of its signature, and only then into the index.

    numba counts the signatures of the index: two processes that compile two of them at once use one name for both.
    """
    name = f"{file._index_name.removesuffix('.nbi')}.{hashlib.sha256(repr(key).encode()).hexdigest()[:16]}.nbc"
    file._save_data(name, data)
    file._save_index(file._load_index() | {key: name})


@functools.cache
def _stamp(module: str) -> bytes:
    """Digest of the file of a module and of those of the package that it imports at its head, and these in turn."""
    text = Path(str(sys.modules[module].__file__)).read_bytes()
    parts = [text, *(_stamp(name.decode()) for name in IMPORT.findall(text))]
    return hashlib.sha256(b"".join(parts)).digest()
