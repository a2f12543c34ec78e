"""Help pages in plain text, with the options under headings: quick to make, readable in a log or through a pager."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

_WHOLE = 1000


class GroupedCommand(TyperCommand):
    """A command whose help lists arguments and options under the headings they were given."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, heading by heading."""
        _write_options(self, ctx, formatter)


class GroupedCommands(TyperGroup):
    """A group whose help lists its commands under the headings they were given."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, heading by heading."""
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, heading by heading, each with its whole first line."""
        rows: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            rows.setdefault(_heading(command, "Commands"), []).append((name, command.get_short_help_str(_WHOLE)))
        _write(formatter, rows)


def _write_options(command: Any, ctx: Any, formatter: Any) -> None:
    rows: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            usual = "Options" if parameter.param_type_name == "option" else "Arguments"
            rows.setdefault(_heading(parameter, usual), []).append(record)
    _write(formatter, rows)


def _heading(item: Any, usual: str) -> str:
    heading = getattr(item, "rich_help_panel", None)
    return heading if isinstance(heading, str) else usual


def _write(formatter: Any, rows: dict[str, list[tuple[str, str]]]) -> None:
    for heading, lines in rows.items():
        with formatter.section(heading):
            formatter.write_dl(lines)
