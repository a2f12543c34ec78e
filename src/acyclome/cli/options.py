"""The options of the command line.

A command is written as a plain function. A parameter annotated with :class:`Config` stands for all options of science
and one annotated with :class:`RunOptions` for the run-time ones; :func:`expand` puts the real options in their place.
The names, ranges and texts of the options of science come from the configuration model and from nowhere else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from acyclome.errors import ConfigError, InputError

if TYPE_CHECKING:
    from acyclome.cli.progress import Progress
    from acyclome.pipeline.commands import Runtime

RUN_PANEL = "How it runs"
PANELS = {
    "": "Model and seed",
    "input": "Which matrix",
    "prepare": "Preparation",
    "knowledge": "Prior knowledge",
    "screen": "Candidates",
    "fit": "Relaxation",
    "shard": "Shards",
    "score": "Score",
    "search": "Search",
    "resample": "Confidence",
    "validation": "Validation",
}
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_NUMBERS = {"integer", "number"}
_EMPTY_WORDS = {"", "none", "null"}
_TRUTH = {"true": True, "false": False, "yes": True, "no": False}


def parse_memory(text: str | None) -> int | None:
    """Return the bytes that a text such as ``8GB``, ``500 MB`` or ``1.5T`` names; None stays None.

    Raises
    ------
    InputError
        If the text is not an amount of memory, or less than a megabyte (a unit was probably forgotten).
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", text.upper())
    amount = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if amount < _UNITS["M"]:
        msg = f"--memory {text} is not an amount of memory; expected a number with a unit, such as 8GB or 500MB."
        raise InputError(msg)
    return int(amount)


@dataclass(frozen=True)
class RunOptions:
    """What changes how a result is computed, never the result, but for the rounding of a device."""

    threads: Annotated[
        int | None,
        typer.Option(min=1, rich_help_panel=RUN_PANEL, help="Processors to use. Default: all this process may use."),
    ] = None
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            rich_help_panel=RUN_PANEL,
            help="Memory to stay below, such as 8GB. Default: what the machine has.",
        ),
    ] = None
    device: Annotated[
        str,
        typer.Option(
            metavar="auto|cpu|cuda",
            rich_help_panel=RUN_PANEL,
            help="Where correlations, screening and relaxation run. auto: the card, if there is one. cuda is refused "
            "where there is none. Order search and climb run on processors.",
        ),
    ] = "auto"
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="local|ADDRESS",
            rich_help_panel=RUN_PANEL,
            help="Let Dask run screening, relaxation, shards and resamples: local starts workers here, an address "
            "joins a cluster that sees the same files. Default: threads.",
        ),
    ] = None
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=RUN_PANEL,
            help="Go on from the finished stages of an earlier run, with the same result.",
        ),
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", rich_help_panel=RUN_PANEL, help="Say nothing unless something is wrong.")
    ] = False
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            rich_help_panel=RUN_PANEL,
            help="Print a summary for machines, and nothing else, on standard output.",
        ),
    ] = False

    def runtime(self, progress: Progress) -> Runtime:
        """Return the pipeline's run-time settings.

        Raises
        ------
        InputError
            If the device or the amount of memory is not one.
        """
        from acyclome.machine import check_device, usable_threads
        from acyclome.pipeline.commands import Runtime

        check_device(self.device)
        return Runtime(
            threads=self.threads or usable_threads(),
            memory=parse_memory(self.memory),
            device=self.device,
            resume=self.resume,
            progress=progress,
            dask=self.dask,
        )


def expand(handler: Callable[..., None]) -> Callable[..., None]:
    """Return `handler` with its parameters of type `Config` and `RunOptions` replaced by the options they stand for."""
    plain: list[inspect.Parameter] = []
    groups: dict[str, tuple[list[inspect.Parameter], Callable[[Mapping[str, Any]], Any]]] = {}
    hints = get_type_hints(handler, localns={"Config": object}, include_extras=True)
    for parameter in inspect.signature(handler).parameters.values():
        if parameter.annotation == "Config":
            groups[parameter.name] = (_science_parameters(), _make_config)
        elif parameter.annotation == "RunOptions":
            groups[parameter.name] = (_run_parameters(), lambda given: RunOptions(**given))
        else:
            plain.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))

    def command(**given: Any) -> None:
        values = {parameter.name: given[parameter.name] for parameter in plain}
        for name, (members, make) in groups.items():
            values[name] = make({member.name: given[member.name] for member in members})
        handler(**values)

    parameters = [*plain, *(member for members, _ in groups.values() for member in members)]
    command.__name__ = handler.__name__
    command.__doc__ = handler.__doc__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _run_parameters() -> list[inspect.Parameter]:
    hints = get_type_hints(RunOptions, include_extras=True)
    return [_parameter(item.name, hints[item.name], item.default) for item in fields(RunOptions)]


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _science_parameters() -> list[inspect.Parameter]:
    from acyclome.config import Config
    from acyclome.options import texts

    file = typer.Option(
        "--config", metavar="YAML", rich_help_panel=RUN_PANEL, help="File with options; those given here override it."
    )
    options = [_science_parameter(*leaf) for leaf in texts.leaves(Config.json_schema())]
    return [_parameter("config_file", Annotated[Path | None, file], None), *options]


def _science_parameter(section: str, name: str, part: Mapping[str, Any]) -> inspect.Parameter:
    from acyclome.options import texts

    dashed = f"--{name.replace('_', '-')}"
    is_flag = part.get("type") == "boolean"
    limits = f"{texts.allowed(part)}; " if _NUMBERS & _kinds(part) else ""
    text = f"{part['description']} ({limits}default {_default_text(part.get('default'))})"
    option = typer.Option(
        *((f"{dashed}/--no-{dashed[2:]}",) if is_flag else (dashed,)),
        help=" ".join(text.split()),
        metavar=None if is_flag else _metavar(part),
        rich_help_panel=PANELS.get(section) or _panel_of_models(section),
        show_default=False,
    )
    kind = bool if is_flag else list[str] if part.get("type") == "array" else str
    return _parameter(name, Annotated[kind | None, option], None)  # type: ignore[valid-type]


def _panel_of_models(section: str) -> str:
    from acyclome.models import models

    names = [name for name, card in models().items() if card.section is not None and card.section[0] == section]
    return f"Model{'s' * (len(names) > 1)} {', '.join(names)}"


def _default_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _metavar(part: Mapping[str, Any]) -> str:
    choices = part.get("anyOf", [part])
    names = [name for choice in choices for name in _metavar_of_one(choice)]
    return "|".join(names)


def _metavar_of_one(part: Mapping[str, Any]) -> list[str]:
    if "enum" in part or "const" in part:
        return [str(value) for value in part.get("enum", [part.get("const")])]
    words = {"integer": ["N"], "number": ["X"], "boolean": ["true", "false"], "null": [], "array": ["A,B,..."]}
    return words.get(str(part.get("type")), ["TEXT"])


def _make_config(given: Mapping[str, Any]) -> Any:
    from acyclome.config import Config
    from acyclome.options import texts

    parts, homes = {}, {}
    for section, name, part in texts.leaves(Config.json_schema()):
        parts[name], homes[name] = part, f"{section}.{name}".lstrip(".")
    changes = {
        name: _value(given[name], part) for name, part in parts.items() if given[name] is not None and given[name] != []
    }
    base = Config.from_yaml(given["config_file"]) if given["config_file"] is not None else Config()
    try:
        return base.with_options({homes[name]: value for name, value in changes.items()})
    except ConfigError as error:
        named = [f"--{name.replace('_', '-')}" for name in changes if re.search(rf"\b{name}\b", str(error))]
        msg = f"{error}\n(given by the option {', '.join(named)}; see --help)" if named else str(error)
        raise ConfigError(msg) from error


def _value(text: Any, part: Mapping[str, Any]) -> Any:
    """Turn what was typed into what the configuration expects; numbers and ranges are left to the configuration."""
    if isinstance(text, list):
        items = [item.strip() for one in text for item in one.split(",") if item.strip()]
        return tuple(_number(item) if _kinds(part["items"]) & _NUMBERS else item for item in items)
    if not isinstance(text, str):
        return text
    kinds = _kinds(part)
    if "null" in kinds and (text == "" if "string" in kinds else text.lower() in _EMPTY_WORDS):
        return None
    if "boolean" in kinds:
        return _TRUTH.get(text.lower(), text)
    return _number(text) if kinds & _NUMBERS else text


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def _kinds(part: Mapping[str, Any]) -> set[str]:
    return {str(choice.get("type")) for choice in part.get("anyOf", [part])}
