"""Texts about options, made from their JSON schema: errors, the table of the documentation, a commented YAML file."""

from __future__ import annotations

import difflib
import io
import json
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from acyclome.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

EARLIER_NAMES = "x-renamed"
"""Keyword of the schema for names that options once had there, with their names of today."""
_LARGEST = 2**20  # bytes; every option with its explanation takes 20,000
_MOST_VALUES, _DEEPEST = 10_000, 8  # the longest lists are of covariates, and the deepest options lie in a section
_ENDLESS = (
    "the configuration holds itself, or more values, or deeper ones, than there are options. Write out what its "
    "aliases (*name) stand for; compare with `python -m acyclome.config yaml`."
)
_MAX_SHOWN = 5  # wrong options; more belong to a file of another program
_ALIKE = 0.7  # of difflib: a slip or two in a name of usual length, not a word of another meaning


def load_yaml(path: Path) -> Any:
    """Read a YAML file, of YAML 1.2, in which ``1e-3`` is a number; a key given twice in one section is an error.

    What its aliases stand for is counted before anything walks through it: nine lines can stand for a billion values.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import YAMLError

    if path.exists() and not path.is_file():
        msg = "the configuration cannot be read: it is a folder, a pipe or a device. Give a file."
        raise ConfigError(msg)
    try:
        if path.stat().st_size > _LARGEST:
            msg = f"the configuration has {path.stat().st_size:,} bytes, so it is none. Check the name of the file."
            raise ConfigError(msg)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a name of an alias is given anew, which YAML allows
            content = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        msg = f"the configuration cannot be read: {error.strerror or error}. Check the name of the file."
        raise ConfigError(msg) from error
    except DuplicateKeyError as error:
        msg = f"line {error.problem_mark.line + 1}: {error.problem}; keep one of them."
        raise ConfigError(msg) from error
    except RecursionError as error:
        raise ConfigError(_ENDLESS) from error
    except ConfigError:
        raise
    except (YAMLError, ValueError) as error:  # a number of thousands of digits, and bytes that are no text
        msg = f"this is not YAML: {error}. Compare with `python -m acyclome.config yaml`."
        raise ConfigError(msg) from error
    if _is_endless(content):
        raise ConfigError(_ENDLESS)
    return content


def _is_endless(content: Any) -> bool:
    """Return whether lists and sections hold more, or lie deeper, than options can, aliases written out."""
    left, seen = [(content, 0)], 0
    while left:
        value, depth = left.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            return True
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple | set) else ()
        left.extend((one, depth + 1) for one in inner)
    return False


def describe(schema: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema with the description of every section beside the reference to it, and earlier names."""
    sections = _sections(schema)
    about = {name: {"description": " ".join(part["description"].split())} for name, part in sections.items()}
    for key, now in renamed.items():
        section, _, name = key.rpartition(".")
        (sections[section] if section else schema).setdefault(EARLIER_NAMES, {})[name] = now
    properties = {name: {**part, **about.get(name, {})} for name, part in schema["properties"].items()}
    return {**schema, "properties": properties}


def _sections(schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    references = {name: part["$ref"] for name, part in schema["properties"].items() if "$ref" in part}
    return {name: schema["$defs"][reference.split("/")[-1]] for name, reference in references.items()}


def leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield section (empty at the top level), name and schema of every option, top level first."""
    sections = _sections(schema)
    for name, part in schema["properties"].items():
        if name not in sections:
            yield "", name, part
    for section, content in sections.items():
        for name, part in content["properties"].items():
            yield section, name, part


def allowed(part: Mapping[str, Any]) -> str:
    if "anyOf" in part:
        return _either([allowed(choice) for choice in part["anyOf"]])
    if "const" in part or "enum" in part:
        return _either([str(value) for value in part.get("enum", [part.get("const")])])
    if part.get("type") == "array":
        single = allowed(part["items"])
        return "a list of " + re.sub(r"^a (whole number|number|text)", r"\1s", single)
    if part.get("type") in ("integer", "number"):
        return f"{'a whole number' if part['type'] == 'integer' else 'a number'} {_bounds(part)}".strip()
    words = {"boolean": "true or false", "string": "a text", "null": "empty"}
    return words.get(str(part.get("type")), "a section with options")


def _either(choices: list[str]) -> str:
    words = ", ".join(choices).replace(" or ", ", ").split(", ")  # choices of choices are one list
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _bounds(part: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "and below"}
    return " ".join(f"{word} {part[key]}" for key, word in words.items() if key in part)


def explain_errors(error: ValidationError, options: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Turn what pydantic found into sentences: the key with dots, the value, what is allowed, the nearest key."""
    parts = {tuple(filter(None, (section, name))): part for section, name, part in leaves(schema)}
    sentences: dict[tuple[str, ...], str] = {}
    for one in error.errors():
        path = tuple(str(step) for step in one["loc"])
        key = next((path[:length] for length in (1, 2) if path[:length] in parts), path[:2])
        if key in sentences:  # pydantic tells of every kind that a union allows
            continue
        value = options
        for step in key:
            value = value.get(step, "") if isinstance(value, Mapping) else value
        sentences[key] = _sentence(".".join(key), value, one, part=parts.get(key), schema=schema)
    shown = list(sentences.values())
    more = [f"... and {len(shown) - _MAX_SHOWN} more."] if len(shown) > _MAX_SHOWN else []
    return "\n".join(shown[:_MAX_SHOWN] + more)


def _sentence(
    key: str, value: Any, error: ErrorDetails, *, part: Mapping[str, Any] | None, schema: Mapping[str, Any]
) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(key, value, schema)
    if part is None and error["type"] == "value_error":
        return f"{key}: {error['msg'].removeprefix('Value error, ').rstrip('.')}.".removeprefix(": ")
    if part is None:
        return f"{key} = {_short(value)} is not a section; expected options below it, such as {_children(key, schema)}."
    quotes = " Write it in quotes." if "a text" in allowed(part) and isinstance(value, (int, float)) else ""
    default = f" (default {_short(part['default'])})" if "default" in part else ""
    near = difflib.get_close_matches(str(value), map(str, part.get("enum", ())), 1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"{key} = {_short(value)} is not allowed; expected {allowed(part)}{default}.{guess}{quotes}"


def _unknown(key: str, value: Any, schema: Mapping[str, Any]) -> str:
    section = key.rpartition(".")[0]
    near = _nearest(key, schema)
    if near == key:
        below = f"{section}: {{{key.rpartition('.')[2]}: ...}}"
        return f"{key} = {_short(value)} is written as one name; write it below its section, {below}."
    guess = f" Did you mean {near}?" if near else ""
    home = f"in {section}" if section else "at the top level"
    return f"{key} = {_short(value)} is not an option.{guess} Allowed {home}: {_children(section, schema)}."


def _nearest(key: str, schema: Mapping[str, Any]) -> str:
    """Return the options whose own name, or that of their section, is spelled most alike."""
    known = [f"{home}.{leaf}".lstrip(".") for home, leaf, _ in leaves(schema)] + list(_sections(schema))
    ends = [path.rpartition(".")[2] for path in known]
    near = difflib.get_close_matches(key.rpartition(".")[2], ends, n=1, cutoff=_ALIKE)
    return " or ".join(path for path, end in zip(known, ends, strict=True) if end in near)


def _children(section: str, schema: Mapping[str, Any]) -> str:
    names = [name for home, name, _ in leaves(schema) if home == section] if section else list(schema["properties"])
    return ", ".join(names)


def _short(value: Any) -> str:
    text = "empty" if value is None else json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."  # a sentence about it has to fit beside it


def flags(key: str, short: Collection[str]) -> list[str]:
    """Return how an option is spelled on the command line: the options in `short` also without their section."""
    words = dict.fromkeys([key.rpartition(".")[2], key] if key in short else [key])
    return [f"--{word.replace('_', '-')}" for word in words]


def table(schema: Mapping[str, Any], defaults: Mapping[str, Any], short: Collection[str]) -> str:
    rows = ["| option | command line | default | allowed | meaning |", "|---|---|---|---|---|"]
    for section, name, part in leaves(schema):
        key = f"{section}.{name}" if section else name
        value = (defaults[section] if section else defaults)[name]
        cells = [f"`{key}`", f"`{flags(key, short)[0]}`", _short(value), allowed(part), _plain(part)]
        rows.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def commented_yaml(schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Return a YAML file with every option at its default, its meaning and its range above it."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    whole = CommentedMap()
    for section, name, part in leaves(schema):
        if section and section not in whole:
            whole[section] = CommentedMap()
            above = _wrapped(schema["properties"][section]["description"])
            whole.yaml_set_comment_before_after_key(section, before=f"\n{above}")
        home, value = (whole[section], defaults[section][name]) if section else (whole, defaults[name])
        home[name] = CommentedSeq(value) if isinstance(value, list) else value
        if isinstance(value, list):
            home[name].fa.set_flow_style()
        above = _wrapped(f"{_plain(part)} [{allowed(part)}]")
        home.yaml_set_comment_before_after_key(name, before=above, indent=2 if section else 0)
    text = io.StringIO()
    YAML().dump(whole, text)
    return text.getvalue()


def write_one(texts: Mapping[str, Callable[[], str]], arguments: Sequence[str], module: str) -> int:
    """Write the text that the only argument names to standard output; return the exit status."""
    if len(arguments) != 1 or arguments[0] not in texts:
        sys.stderr.write(f"usage: python -m {module} {'|'.join(texts)}\n")
        return 2
    sys.stdout.write(texts[arguments[0]]())
    return 0


def about(part: Mapping[str, Any]) -> str:
    """Return the meaning of an option, what it allows, and its default."""
    return f"{_plain(part)} [{allowed(part)}; default {_short(part.get('default'))}]"


def _plain(part: Mapping[str, Any]) -> str:
    return " ".join(str(part["description"]).split())


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=108)  # the number sign and the indent stay below 120
