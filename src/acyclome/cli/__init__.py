"""The command ``acyclome``: what a user types becomes calls of the pipeline, and errors become one screen of text.

Exit codes: 0 done, 2 bad input or option, 3 not enough memory, 4 did not converge, 1 a fault of ours (with its
traceback), 130 stopped by Ctrl-C, 143 by SIGTERM. Nothing heavy is imported before a command needs it, so that help
comes at once.
"""

from __future__ import annotations

import errno
import gc
import os
import platform
import shlex
import sys
import textwrap
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import cloup

from acyclome._version import __version__
from acyclome.cli import (
    benchmark,
    demo,
    doctor,
    evaluation,
    export,
    figures,
    inspection,
    modules,
    plan,
    results,
    simulation,
    stages,
)
from acyclome.cli.options import command, science_options
from acyclome.cli.progress import log_to_stderr
from acyclome.cli.signals import StopSignals
from acyclome.errors import AcyclomeError, InputError, MemoryLimitError, is_of_memory
from acyclome.io.atomic import remove_unfinished
from acyclome.wording import plural

__all__ = ["build_app", "main"]

_WIDTH, _MAX_LINES = 110, 24  # one screen: a terminal has 24 lines at least
_ISSUES = "the project's issue tracker (see README.md)"
_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Start here": {
        "run": stages.run,
        "inspect": inspection.inspect,
        "plan": plan.plan,
        "demo": demo.demo,
        "doctor": doctor.doctor,
    },
    "Results and evaluation": {
        "predict": results.predict,
        "effects": results.effects,
        "blame": results.blame,
        "explain": results.explain,
        "modules": modules.modules,
        "export": export.export,
        "figures": figures.figures,
        "score": evaluation.score,
        "simulate": simulation.simulate,
        "benchmark": benchmark.benchmark,
    },
    "One stage at a time": {"prepare": stages.prepare, **{name: stages.stage(name) for name in stages.STAGES}},
}
# Objects made before garbage is looked for: with Python's 700 that was a sixth of loading what a stage needs.
_OBJECTS = 50_000
_RESUMABLE = frozenset({"run", "demo"})  # whose finished stages are kept


class _Commands(cloup.Group):
    def invoke(self, ctx: click.Context) -> Any:
        with StopSignals(lambda: _one_screen(_stopped_text(ctx))) as signals:
            try:
                return super().invoke(ctx)
            except BaseException as error:
                # Compiled code that is interrupted may make another error of it.
                if not (signals.number or isinstance(error, KeyboardInterrupt)):
                    raise
                remove_unfinished()
                click.echo(f"\n{_one_screen(_stopped_text(ctx))}", err=True)
                raise click.exceptions.Exit(signals.code) from None  # click's own answer is Aborted!, and 1


def build_app() -> cloup.Group:
    """Return the application with all its commands, with the options of the models that there are now."""

    @cloup.group(
        "acyclome",
        cls=_Commands,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
    )
    @click.version_option(__version__, message="acyclome %(version)s")
    def app() -> None:
        """Causal gene networks for the whole transcriptome: an expression file in, a directed acyclic network out.

        Try `acyclome demo -o demo`, then `acyclome inspect FILE` and `acyclome run FILE -o OUT` on your own data.
        """

    science = science_options()  # most of all there are, for all commands that take them
    for heading, commands in _COMMANDS.items():
        app.section(heading, *(command(name, handler, science) for name, handler in commands.items()))
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, with the words of the process unless others are given, and return its exit code."""
    if argv is None:  # the process is ours
        gc.set_threshold(_OBJECTS)
    code = _main(argv)
    if argv is None and code in (130, 143):
        sys.stdout.flush()
        os._exit(code)  # Python would wait for threads that still compute
    return code


def _main(argv: Sequence[str] | None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with log_to_stderr(quiet="--quiet" in words or "-q" in words):
            build_app().main(args=words, prog_name="acyclome")
    except SystemExit as finished:
        # A text as the code means 1, none means 0, as Python itself reads them.
        return finished.code if isinstance(finished.code, int) else int(finished.code is not None)
    except KeyboardInterrupt:  # before a command hears signals
        click.echo("\nStopped before anything was begun.", err=True)
        return 130
    except AcyclomeError as error:
        click.echo(_one_screen(f"Error: {error}"), err=True)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last door: whatever comes here is ours, and is shown whole
        if is_of_memory(error):
            click.echo(_one_screen(_memory_text(error)), err=True)
            return MemoryLimitError.exit_code
        if said := _place_text(error):
            with suppress(OSError):  # standard error may be full, too
                click.echo(_one_screen(f"Error: {said}"), err=True)
            return InputError.exit_code
        click.echo(_fault_text(words, traceback.format_exc()), err=True)
        return 1
    return 0


def _one_screen(text: str) -> str:
    wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    lines = [part for line in text.splitlines() for part in (wrap.wrap(line) or [""])]  # wrap drops empty lines
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], f"... and {plural(len(lines) - _MAX_LINES + 1, 'more line')}"]
    return "\n".join(lines)


def _memory_text(error: Exception) -> str:
    said = (str(error).strip().splitlines() or ["an allocation failed"])[0].rstrip(".")
    return (
        f"Error: There is no memory left, or what this process may take of it ({said}). See what the job needs with "
        "`acyclome plan`, then use a machine with more, fewer genes (--min-cells, --n-top-genes), "
        "fewer candidates (--screen.max-candidates) or fewer threads (--threads), and go on with --resume."
    )


def _place_text(error: Exception) -> str:
    """Return what is wrong with the place that a command was called in or answers to; empty if nothing is."""
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return (
            "The folder in which this was called is gone: it was removed, or its disk is no longer there. Change into "
            "one that is there (cd), and call again."
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) and error.filename is None:
        return (
            f"What there is to say cannot be written to standard output: {os.strerror(error.errno)}. Files that were "
            "finished are there. Free some space where the output goes, and call again."
        )
    return ""


def _is_nowhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _fault_text(words: Sequence[str], trace: str) -> str:
    return (
        f"{trace}\nThis is a fault of acyclome, not of your data. Please report it in {_ISSUES} "
        "with the lines above and:\n"
        f"  acyclome {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"  command: {shlex.join(['acyclome', *words])}"
    )


def _stopped_text(ctx: Any) -> str:
    if ctx.invoked_subcommand not in _RESUMABLE:
        return "Stopped. Nothing half-written was left behind."
    return (
        "Stopped. Finished stages are kept, and no file is half-written. The same command with --resume goes on from "
        "there and gives the same result."
    )
