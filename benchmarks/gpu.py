"""Kernels on a GPU: right first, then how fast, and how near to what the device can do.

``python -m benchmarks.gpu [--device cuda]``, with ``src`` on PYTHONPATH where the package is not installed

It needs torch, numpy, scipy and numba, and nothing else of what the package needs. Every kernel runs at a small size
first and has to agree with float64 on the CPU. Then the ceilings of the device are measured (copies of memory, matrix
products of the same type), and each kernel at its full size beside them: ``compute`` is the share of the
measured matrix products that its arithmetic reaches, ``memory`` the share of the measured bandwidth that reading its
input and writing its output once reaches; the larger says what it is bound by. The exit status is 1 if one is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import platform
import sys
import time
import types
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.kernels import KERNELS, Kernel, Sizes
from benchmarks.kernels_engine import ENGINE

MIN_SECONDS, MAX_CALLS = 0.5, 50  # a device needs some tenths of a second to come up to speed


def main() -> int:
    """Check, measure, print; return the exit status."""
    given = _parser().parse_args()
    _stand_in()
    device, dtype = torch.device(given.device), getattr(torch, given.dtype)
    full = Sizes(given.genes, given.n, given.d, *given.batch)
    small = Sizes(given.check, 2 * given.check, given.check, 3, min(given.check, given.batch[1]))
    limits = ceilings(device, dtype, given.ceiling)
    chosen = [kernel for kernel in (*KERNELS, *ENGINE) if given.only in kernel.name]
    rows = [{**row(kernel, full, small, device, dtype, limits)} for kernel in chosen]
    about = {"device": name_of(device), "torch": torch.__version__, "python": platform.python_version(), **limits}
    print(
        f"{about['device']}, torch {about['torch']}, {given.dtype}: {limits['matmul_tflops']:.2f} TFLOP/s in matrix "
        f"products, {limits['bandwidth_gb_s']:.0f} GB/s in copies\n"
    )
    print(_table(rows))
    print("\n" + "\n".join(json.dumps(line) for line in (about, *rows)))
    return int(not all(line["is_right"] for line in rows))


class _NoLimits:
    """What stands in for ``ThreadpoolController`` where threadpoolctl is missing: only last bits depend on it."""

    def limit(self, *, limits: int) -> contextlib.ExitStack:
        return contextlib.ExitStack()


def _stand_in() -> None:
    if importlib.util.find_spec("threadpoolctl") is None:
        module: Any = types.ModuleType("threadpoolctl")
        module.ThreadpoolController = _NoLimits
        sys.modules["threadpoolctl"] = module


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="as torch names it")
    add("--dtype", default="float32", choices=["float32", "float64"])
    add("--genes", type=int, default=10_000, help="genes of the kernels on correlations and candidates")
    add("--n", type=int, default=1000, help="observations")
    add("--d", type=int, default=5000, help="genes of one dense matrix")
    add(
        "--batch",
        type=int,
        nargs=2,
        default=[64, 200],
        metavar=("M", "D"),
        help="matrices side by side, and their genes",
    )
    add("--check", type=int, default=150, help="genes at which kernels are compared with float64 on the CPU")
    add("--ceiling", type=int, default=8192, help="size of the matrices whose product and copy are the ceilings")
    add("--only", default="", help="kernels whose name has this text")
    return parser


def row(
    kernel: Kernel, full: Sizes, small: Sizes, device: torch.device, dtype: torch.dtype, limits: dict[str, float]
) -> dict[str, Any]:
    """Return what one kernel does: its error first, and its speed only if that is right."""
    error = difference(kernel, small, device, dtype)
    tolerance = kernel.tolerance[dtype]
    found: dict[str, Any] = {
        "kernel": kernel.name,
        "error": error,
        "tolerance": tolerance,
        "is_right": error <= tolerance,
    }
    if not found["is_right"]:
        return found
    tensors = kernel.on(full, device, dtype)
    size = " x ".join(str(length) for length in tensors[0].shape)
    try:
        seconds, answer = seconds_of(lambda: kernel.run(*tensors), device)
    except torch.OutOfMemoryError:
        return found | {"size": size, "note": "out of memory"}
    flops = arithmetic(kernel, tensors)
    moved = kernel.bytes_moved(tensors, answer)
    return found | {
        "size": size,
        "seconds": seconds,
        "tflops": flops / seconds / 1e12,
        "compute": flops / seconds / 1e12 / limits["matmul_tflops"],
        "memory": moved / seconds / 1e9 / limits["bandwidth_gb_s"],
        "peak_mb": _peak_mb(device),
    }


def difference(kernel: Kernel, sizes: Sizes, device: torch.device, dtype: torch.dtype) -> float:
    """Return how far the answer is from that of the same kernel in float64 on the CPU."""
    expected = kernel.run(*kernel.on(sizes, torch.device("cpu"), torch.float64))
    return kernel.compare(expected, kernel.run(*kernel.on(sizes, device, dtype)))


def arithmetic(kernel: Kernel, tensors: tuple[torch.Tensor, ...]) -> float:
    """Count the operations of one call: matrix products as torch counts them, and what it does not see."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        kernel.run(*tensors)
    return float(counter.get_total_flops() + kernel.uncounted(*tensors))


def seconds_of(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Return the seconds of the fastest call, of some after a first, and what the last has answered."""
    answer = work()
    _finish(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    best, spent, calls = float("inf"), 0.0, 0
    while calls < 2 or (spent < MIN_SECONDS and calls < MAX_CALLS):
        began = time.perf_counter()
        answer = work()
        _finish(device)
        took = time.perf_counter() - began
        best, spent, calls = min(best, took), spent + took, calls + 1
    return best, answer


def ceilings(device: torch.device, dtype: torch.dtype, size: int) -> dict[str, float]:
    """Measure what the device reaches: TFLOP/s in a square matrix product, GB/s in reading and writing a copy."""
    A = torch.rand(size, size, generator=torch.Generator().manual_seed(1), dtype=dtype).to(device)
    product, _ = seconds_of(lambda: A @ A, device)
    B = torch.empty_like(A)
    copied, _ = seconds_of(lambda: B.copy_(A), device)
    return {
        "matmul_tflops": 2.0 * size**3 / product / 1e12,
        "bandwidth_gb_s": 2.0 * A.numel() * A.element_size() / copied / 1e9,
        "ceiling_size": size,
    }


def name_of(device: torch.device) -> str:
    """Name the device in a line."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _peak_mb(device: torch.device) -> float | None:
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else None


def _table(rows: list[dict[str, Any]]) -> str:
    names = ["kernel", "size", "error", "seconds", "tflops", "compute", "memory", "peak_mb", "note"]
    cells = [names, *[[_cell(line, name) for name in names] for line in rows]]
    widths = [max(len(line[k]) for line in cells) for k in range(len(names))]
    return "\n".join(
        "| " + " | ".join(text.ljust(w) for text, w in zip(line, widths, strict=True)) + " |" for line in cells
    )


def _cell(line: dict[str, Any], name: str) -> str:
    if name == "note" and not line["is_right"]:
        return f"WRONG, allowed {line['tolerance']:.0e}"
    value = line.get(name)
    if value is None:
        return "-" if name != "note" else ""
    if name in ("compute", "memory"):
        return f"{value:.0%}"
    if name == "error":
        return f"{value:.0e}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
