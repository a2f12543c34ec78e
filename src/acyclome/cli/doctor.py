"""The command ``doctor``: whether this machine has what a run needs."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import cloup

from acyclome.cli.options import FILE, json_flag
from acyclome.cli.output import echo_json
from acyclome.errors import AcyclomeError, InputError
from acyclome.wording import plural

REQUIRED = (
    "numpy",
    "scipy",
    "numba",
    "torch",
    "pandas",
    "pyarrow",
    "h5py",
    "anndata",
    "scanpy",
    "igraph",
    "scikit-learn",
)
OPTIONAL = dict.fromkeys(("jinja2", "pybtex", "matplotlib"), "report")
OPTIONAL |= {"snakemake": "workflow", "dask": "dask", "dagma": "bench"}
MIN_PYTHON = (3, 11)  # as requires-python of the package
MIN_MEMORY_GB, MIN_DISK_GB = 4.0, 1.0  # by eye: what a run takes, `plan` knows
_MODULES = {"scikit-learn": "sklearn"}  # packages whose modules are called otherwise


@dataclass(frozen=True)
class Finding:
    """One line of the examination; `advice` is empty where nothing has to be done."""

    what: str
    found: str
    is_fine: bool = True
    is_needed: bool = True
    advice: str = ""


@cloup.option("--folder", type=FILE, default=Path(), metavar="FOLDER", help="Folder in which results will be written.")
@cloup.option("--speed", is_flag=True, help="Measure this machine, in some ten seconds, for the times that plans tell.")
@json_flag
def doctor(folder: Path, speed: bool, json: bool) -> None:
    """Check versions, processors, memory, GPU, the right to write, and the cache of compiled kernels."""
    findings = [_python(), *_packages(), *_machine(), _gpu(), _writing(folder), _kernel_cache(), _speed(speed)]
    failed = [finding for finding in findings if finding.is_needed and not finding.is_fine]
    if json:
        echo_json({"is_fine": not failed, "findings": [asdict(finding) for finding in findings]})
    else:
        click.echo("\n".join(_line(finding) for finding in findings))
        missing = f"{plural(len(failed), 'thing|s is|are')} missing; see the lines above."
        click.echo(missing if failed else "Everything a run needs is here.")
    if failed:
        raise click.exceptions.Exit(InputError.exit_code)


def _line(finding: Finding) -> str:
    mark = "ok  " if finding.is_fine else "FAIL" if finding.is_needed else "-   "
    advice = f"  -> {finding.advice}" if finding.advice and not finding.is_fine else ""
    return f"{mark} {finding.what:<14} {finding.found}{advice}"


def _python() -> Finding:
    is_new = sys.version_info[:2] >= MIN_PYTHON
    advice = f"install Python {'.'.join(map(str, MIN_PYTHON))} or later"
    return Finding("python", f"{platform.python_version()} on {platform.platform()}", is_new, advice=advice)


def _packages() -> list[Finding]:
    needed = [_package(name, is_needed=True, advice="pip install --upgrade acyclome") for name in REQUIRED]
    extra = [
        _package(name, is_needed=False, advice=f'pip install "acyclome[{part}]"') for name, part in OPTIONAL.items()
    ]
    return [_package("acyclome", is_needed=True, advice="pip install acyclome"), *needed, *extra]


def _package(name: str, *, is_needed: bool, advice: str) -> Finding:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, "not installed", is_fine=False, is_needed=is_needed, advice=advice)
    # Not imported: that takes seconds, and a broken package should be named rather than end the examination.
    is_there = importlib.util.find_spec(_MODULES.get(name, name)) is not None
    return Finding(name, version if is_there else f"{version}, but its files are missing", is_there, is_needed, advice)


def _machine() -> list[Finding]:
    from acyclome.machine import free_memory, usable_threads

    free = free_memory() / 2**30
    disk = shutil.disk_usage(Path.cwd()).free / 2**30
    fits = "large files may not fit: see `acyclome plan`"
    return [
        Finding("processors", f"{usable_threads()} usable of {os.cpu_count()}"),
        Finding("memory", f"{free:.1f} GB free", free >= MIN_MEMORY_GB, is_needed=False, advice=fits),
        Finding("disk", f"{disk:.1f} GB free here", disk >= MIN_DISK_GB, advice="free some space"),
    ]


def _gpu() -> Finding:
    try:
        import torch

        name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    except (ImportError, OSError, RuntimeError):  # a broken installation, which may fail in any way, has no card
        name = ""
    advice = "not needed: the CPU does everything"
    return Finding("gpu", name or "none that torch can use", bool(name), is_needed=False, advice=advice)


def _writing(folder: Path) -> Finding:
    from acyclome.io.atomic import ensure_writable

    try:
        ensure_writable(folder)
    except AcyclomeError as error:
        return Finding("writing", str(error), is_fine=False, advice="choose another folder with --folder")
    return Finding("writing", f"{folder.resolve()} takes new files")


def _kernel_cache() -> Finding:
    from acyclome.io.atomic import ensure_writable

    folder = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parents[1] / "core" / "__pycache__")
    advice = "set NUMBA_CACHE_DIR to a folder of yours; without it kernels are compiled anew in every run"
    try:
        ensure_writable(folder)
    except AcyclomeError:
        return Finding("kernel cache", f"{folder} is not writable", is_fine=False, is_needed=False, advice=advice)
    kernels = len(list((folder if "NUMBA_CACHE_DIR" in os.environ else folder.parents[1]).rglob("*.nbi")))
    return Finding("kernel cache", f"{kernels} compiled kernels in {folder}")


def _speed(is_measured: bool) -> Finding:
    from acyclome.pipeline import speed
    from acyclome.pipeline.durations import REFERENCE

    advice = "acyclome doctor --speed measures it for the times that plans tell"
    try:
        rates = speed.keep(speed.measure()) if is_measured else speed.known_rates()
    except AcyclomeError as error:
        return Finding("speed", str(error), is_fine=False, is_needed=is_measured, advice=advice)
    if rates is REFERENCE:
        return Finding("speed", "not measured; plans tell the times of a core at 3 GHz", False, False, advice)
    times = f"{rates.gram / REFERENCE.gram:.2f} and {rates.moves / REFERENCE.moves:.2f} times"
    return Finding("speed", f"{times} the products and searches of a core at 3 GHz ({speed.rates_file()})")
