"""The command ``acyclome``: what a user types becomes calls of the pipeline, and errors become one screen of text.

Exit codes: 0 done, 2 bad input or option, 3 not enough memory, 4 did not converge, 1 a fault of ours (with its
traceback), 130 stopped by the user. Nothing heavy is imported before a command needs it, so that help comes at once.
"""

from __future__ import annotations

import platform
import shlex
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from acyclome._version import __version__
from acyclome.cli import around, benchmark, demo, doctor, evaluation, predict, stages
from acyclome.cli.help import GroupedCommand, GroupedCommands
from acyclome.cli.options import expand
from acyclome.cli.progress import log_to_stderr
from acyclome.errors import AcyclomeError

__all__ = ["build_app", "main"]

STOPPED = 130
_WIDTH = 110
_MAX_LINES = 24
_ISSUES = "the project's issue tracker (see README.md)"
_START, _ROAD, _AFTER = "Start here", "One stage at a time", "Results and evaluation"
_COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "run": (stages.run, _START),
    "inspect": (around.inspect, _START),
    "plan": (around.plan, _START),
    "demo": (demo.demo, _START),
    "doctor": (doctor.doctor, _START),
    "predict": (predict.predict, _AFTER),
    "explain": (around.explain, _AFTER),
    "export": (around.export, _AFTER),
    "score": (evaluation.score, _AFTER),
    "simulate": (evaluation.simulate, _AFTER),
    "benchmark": (benchmark.benchmark, _AFTER),
    "prepare": (stages.prepare, _ROAD),
    "screen": (stages.screen, _ROAD),
    "shard": (stages.shard, _ROAD),
    "fit": (stages.fit, _ROAD),
    "merge": (stages.merge, _ROAD),
    "order": (stages.order, _ROAD),
    "resample": (stages.resample, _ROAD),
    "network": (stages.network, _ROAD),
    "report": (stages.report, _ROAD),
}
_WITH_CONFIG = frozenset({"run", "plan", "demo", "prepare"})
_RESUMABLE = frozenset({"run", "demo"})
_WITHOUT_ARGUMENTS = frozenset({"doctor", "demo", "benchmark"})


class _Commands(GroupedCommands):
    """The verbs; those with options of science read the configuration model only when they are called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        if name in _WITH_CONFIG:
            command = with_all_options(name)
        return name, command, rest

    def invoke(self, ctx: Any) -> Any:
        try:
            with _stop_on_terminate():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo(f"\n{_one_screen(_stopped_text(ctx))}", err=True)
            raise typer.Exit(STOPPED) from None


def with_all_options(name: str) -> Any:
    """Return the command of that name with its options of science in place."""
    app = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    _register(app, name, expand(_COMMANDS[name][0]))
    return typer.main.get_command(app)


def build_app() -> typer.Typer:
    """Return the application with all its commands."""
    app = typer.Typer(
        name="acyclome",
        cls=_Commands,
        rich_markup_mode=None,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
    )
    app.callback()(_root)
    for name, (handler, _) in _COMMANDS.items():
        _register(app, name, _unread if name in _WITH_CONFIG else expand(handler))
    return app


def _register(app: typer.Typer, name: str, function: Callable[..., None]) -> None:
    handler, panel = _COMMANDS[name]
    hint = name not in _WITHOUT_ARGUMENTS
    app.command(name, cls=GroupedCommand, help=handler.__doc__, rich_help_panel=panel, no_args_is_help=hint)(function)


def _unread() -> None:
    """Stand for a command in the list of all; called, it is read with all its options."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acyclome {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Causal gene networks for the whole transcriptome: an expression file in, a directed acyclic network out.

    Try `acyclome demo -o demo`, then `acyclome inspect FILE` and `acyclome run FILE -o OUT` on your own data.
    """


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    argv
        The words after the program's name; None takes those of the process.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with log_to_stderr(quiet="--quiet" in words or "-q" in words):
            typer.main.get_command(build_app()).main(args=words, prog_name="acyclome")
    except SystemExit as finished:
        return finished.code if isinstance(finished.code, int) else int(finished.code is not None)
    except AcyclomeError as error:
        typer.echo(_one_screen(f"Error: {error}"), err=True)
        return error.exit_code
    except MemoryError as error:
        typer.echo(_one_screen(_memory_text(error)), err=True)
        return 3
    except Exception:  # noqa: BLE001 - the last door: whatever comes here is ours, and is shown whole
        typer.echo(_fault_text(words, traceback.format_exc()), err=True)
        return 1
    return 0


def _one_screen(text: str) -> str:
    wrap = textwrap.TextWrapper(_WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    lines = [part for line in text.splitlines() for part in (wrap.wrap(line) or [""])]
    if len(lines) > _MAX_LINES:
        lines = [*lines[: _MAX_LINES - 1], f"... and {len(lines) - _MAX_LINES + 1} more lines"]
    return "\n".join(lines)


def _memory_text(error: MemoryError) -> str:
    return (
        f"Error: The machine has no memory left ({str(error) or 'an allocation failed'}). See what the job needs with "
        "`acyclome plan`, then use a machine with more, fewer genes (--min-cells, --n-top-genes), fewer candidates "
        "(--max-candidates) or fewer threads (--threads), and go on with --resume."
    )


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


@contextmanager
def _stop_on_terminate() -> Iterator[None]:
    """Treat the signal with which a scheduler ends a job like Ctrl-C, so that the user is told how to go on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)
