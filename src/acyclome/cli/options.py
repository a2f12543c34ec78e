"""The options of the command line.

Those of science come from the schema of the configuration and from nowhere else: ``fit.lambda1`` is ``--fit.lambda1``,
and the sixteen that most users need also go without their section. A command is a plain function; where it takes
``config`` all of them are offered, where it takes ``options`` those that only say how it runs.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import cloup

from acyclome.cli.help import SHOWN, BriefCommand, help_all_option
from acyclome.errors import InputError, MemoryLimitError
from acyclome.options import presets

if TYPE_CHECKING:
    from acyclome.cli.progress import Progress
    from acyclome.config import Config
    from acyclome.pipeline.commands import Runtime


class _File(click.Path):
    """A path that the file system takes; an empty one, of a variable that is not set, would be the folder at hand."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not os.fspath(value):
            self.fail("it is empty; expected the name of a file or folder.", param, ctx)
        try:
            Path(value).stat()  # which follows links
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            pass  # is said where it is read or written
        except (OSError, ValueError) as error:  # too long, with zeros inside, links in a circle
            self.fail(f"{str(value)[:40]!r} cannot be the name of a file: {error}"[:200], param, ctx)
        return super().convert(value, param, ctx)


FILE = _File(path_type=Path)
json_flag = cloup.option(
    "--json", is_flag=True, help="Print the answer for machines, and nothing else, on standard output."
)
# Of two processors: with .5 OpenBLAS waits for ever as it is loaded, from .6 to 1.1 something fails later and says so.
LEAST_ADDRESSES = 5 * 2**28
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def _option(help_text: str, *words: str, default: Any = None, **how: Any) -> Any:
    return field(default=default, metadata={"words": words, "help": help_text, "default": default, **how})


@dataclass(frozen=True)
class RunOptions:
    """What changes how a result is computed, never the result, but for the rounding of a device."""

    threads: int | None = _option(
        "Processors to use. Default: all this process may use.", "--threads", type=click.IntRange(1)
    )
    memory: str | None = _option(
        "Memory to stay below, such as 8GB. Default: what the machine has.", "--memory", metavar="SIZE"
    )
    device: str = _option(
        "Where correlations, screening and relaxation run. auto: the GPU, if there is one. cuda is refused where "
        "there is none. The search of the graph runs on processors.",
        *("--device",),
        default="auto",
        metavar="auto|cpu|cuda",
    )
    dask: str | None = _option(
        "Let Dask run screening, relaxation, shards and resamples: local starts workers here, slurm or a YAML file "
        "with dask-jobqueue's keys as jobs of SLURM, an address joins a cluster that sees the same files.",
        "--dask",
        metavar="local|slurm|YAML|ADDRESS",
    )
    resume: bool = _option(
        "Go on from the finished stages of an earlier run, with the same result.", "--resume", default=False
    )
    quiet: bool = _option("Say nothing unless something is wrong.", "-q", "--quiet", default=False)
    json: bool = _option("Print a summary for machines alone on standard output.", "--json", default=False)

    def runtime(self, progress: Progress | None) -> Runtime:
        from acyclome.machine import check_device, usable_threads
        from acyclome.pipeline.commands import Runtime

        check_device(self.device)
        return Runtime(
            threads=self.threads or usable_threads(),
            memory=parse_memory(self.memory),
            device=self.device,
            resume=self.resume,
            progress=progress,
            expect=None if progress is None else progress.expect,
            tell=logging.getLogger("acyclome").warning,
            dask=self.dask,
        )


def check_addresses() -> None:
    """Refuse a process that may not take the addresses that numpy and scipy load into: some wait there for ever.

    Raises
    ------
    MemoryLimitError
        If the limit of addresses (``ulimit -v``) is below that.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < LEAST_ADDRESSES:
        msg = (
            f"This process may take {limit / 2**30:.2g} GB of addresses (ulimit -v). Expected at least "
            f"{LEAST_ADDRESSES / 2**30:.2g} GB, into which the libraries load before anything is read. Raise that "
            "limit; a container, or --memory, limits what is really used."
        )
        raise MemoryLimitError(msg)


def parse_memory(text: str | None) -> int | None:
    """Return the bytes that a text such as ``8GB``, ``500 MB`` or ``1.5T`` names; None stays None."""
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    amount = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if amount < _UNITS["M"]:  # a unit was probably forgotten
        msg = f"--memory {text} is not an amount of memory; expected a number with a unit, such as 8GB or 500MB."
        raise InputError(msg)
    return int(amount)


class Command(BriefCommand):
    """A command that also takes options as they were spelled before: under earlier names, and without their section."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, list(args))  # of its own, for click empties it
        except click.NoSuchOption as error:
            flag = error.option_name
            paths = self._paths_today(flag)
            if not paths:
                raise
            at = [word.partition("=")[0] for word in args].index(flag)
            words = _respelled(args[at:], paths[0]) if len(paths) == 1 else []
            if not words:
                msg = f"{flag} is now spelled {' or '.join(_flag(path) for path in paths)}."
                raise click.NoSuchOption(flag, msg, ctx=ctx) from error
        return self.parse_args(ctx, [*args[:at], *words])

    def _paths_today(self, flag: str) -> list[str]:
        """Return the options that an unknown spelling stood for once, by section and dot."""
        from acyclome.options.earlier import RENAMED, name_today

        words = [word[2:].replace("-", "_") for item in self.params for word in item.opts if "." in word]
        asked = flag[2:].replace("-", "_")
        if "." in asked:
            return [word for word in words if word == name_today(asked)]
        today = {old.rpartition(".")[2]: new.rpartition(".")[2] for old, new in RENAMED.items()}
        name = asked.removeprefix("no_")
        return [word for word in words if word.rpartition(".")[2] == today.get(name, name)]


def _respelled(words: Sequence[str], path: str) -> list[str]:
    """Return words of which the first is an earlier spelling of the option at a path, with the spelling of today.

    Switches had no value, and were turned off by ``--no-NAME``. Empty where that is asked of another kind of option.
    """
    from acyclome.config import Config
    from acyclome.options import earlier, texts

    first, *rest = words
    flag, equals, value = first.partition("=")
    kinds = {f"{section}.{name}": part.get("type") for section, name, part in texts.leaves(Config.json_schema())}
    is_switch, is_off = kinds[path] == "boolean", flag.startswith("--no-")
    if is_off and (equals or not is_switch):
        return []
    today = _flag(path)
    if is_off or (is_switch and not equals and rest[:1] not in (["true"], ["false"])):
        equals, value = "=", "false" if is_off else "true"
        earlier.warn(flag, f"{today} {value}")
    else:
        earlier.warn(flag, today)
    return [f"{today}{equals}{value}", *rest]


def _flag(path: str) -> str:
    return f"--{path.replace('_', '-')}"


def command(name: str, handler: Callable[..., None], of_config: Sequence[click.Option]) -> Command:
    """Return the command that calls the handler, with the sets of options that its parameters ask for."""
    takes = inspect.signature(handler).parameters
    science = of_config if "config" in takes else []
    running = run_options() if "options" in takes else []

    def call(**given: Any) -> None:
        if science:
            typed = {str(option.name): given.pop(str(option.name)) for option in science}
            given["config"] = read_config(typed.pop("config_file"), typed)
        if running:
            given["options"] = RunOptions(**{item.name: given.pop(item.name) for item in fields(RunOptions)})
        check_addresses()
        handler(**given)

    own = list(reversed(getattr(handler, "__click_params__", [])))  # decorators stand there from the last to the first
    about = inspect.cleandoc(handler.__doc__ or "")
    return Command(
        name,
        params=[*own, *science, *running, help_all_option()],
        callback=call,
        help=about,
        short_help=about.partition("\n")[0],
        no_args_is_help=any(parameter.required for parameter in own),
        left_out={str(option.name) for option in [*science, *running] if science and option.name not in SHOWN},
    )


def run_options() -> list[click.Option]:
    group = cloup.OptionGroup("How it runs")
    about = [dict(item.metadata) for item in fields(RunOptions)]  # a default of False makes a flag
    return [cloup.Option(how.pop("words"), group=group, is_flag=how["default"] is False, **how) for how in about]


def science_options() -> list[click.Option]:
    """Return an option for each of the configuration, under its section, and one for a file of them."""
    from acyclome.config import SHORT, Config
    from acyclome.options import texts

    schema = Config.json_schema()
    groups = {"": cloup.OptionGroup("Model and seed")}
    options: list[click.Option] = []
    for section, name, part in texts.leaves(schema):
        if section not in groups:  # one heading for each, under which help lists its options
            groups[section] = cloup.OptionGroup(section.capitalize(), help=schema["properties"][section]["description"])
        path = f"{section}.{name}".lstrip(".")
        options.append(
            cloup.Option(
                [path.replace(".", "__"), *texts.flags(path, SHORT)],  # names of parameters hold no dots
                help=texts.about(part),
                metavar="A,B,..." if part.get("type") == "array" else "VALUE",
                multiple=part.get("type") == "array",  # given twice, both count
                group=groups[section],
            )
        )
    about = "File with options; those given here override it."
    named = f"For a first look, or for a paper: {presets.said()}. What is given besides overrides it."
    return [
        *options,
        cloup.Option(["--preset"], type=click.Choice(list(presets.PRESETS)), help=named),
        cloup.Option(["config_file", "--config"], type=FILE, metavar="YAML", help=about),
    ]


def read_config(file: Path | None, typed: Mapping[str, Any]) -> Config:
    """Return the configuration of a file, if there is one, with the options over it that were typed."""
    from acyclome.config import Config
    from acyclome.options import texts

    changes = {}
    for section, name, part in texts.leaves(Config.json_schema()):
        path = f"{section}.{name}".lstrip(".")
        text = typed.get(path.replace(".", "__"))
        if text not in (None, ()):
            changes[path] = _value(text, part)
    chosen = presets.options_of(typed.get("preset"))
    return (Config() if file is None else Config.from_yaml(file)).with_options({**chosen, **changes})


def _value(text: Any, part: Mapping[str, Any]) -> Any:
    """Turn what was typed into what the configuration expects; ranges are left to the configuration."""
    if isinstance(text, tuple):
        items = (item.strip() for one in text for item in one.split(","))
        return tuple(_value(item, part["items"]) for item in items if item)
    kinds = {choice.get("type") for choice in part.get("anyOf", [part])}
    # An option of names can be called none; its None is the empty text alone.
    if "null" in kinds and (text == "" if "string" in kinds else text.lower() in ("", "none", "null")):
        return None
    if "boolean" in kinds:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
    for kind in (int, float) if kinds & {"integer", "number"} else ():
        with suppress(ValueError):  # what is no number is refused by the configuration, with the option's range
            return kind(text)
    return text
