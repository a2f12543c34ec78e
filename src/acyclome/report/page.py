"""One self-contained page: a template filled, with its style, its scripts and its data inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from acyclome import wording
from acyclome.errors import InputError

# Characters by which a text in a script could end it, start a tag, or end a line of JavaScript.
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render_page(template: str, scripts: Sequence[str], *, data: Any, context: Mapping[str, Any]) -> str:
    """Return the page of a template; its scripts are one, in which each uses what stands before it."""
    try:
        import jinja2
        import pybtex  # noqa: F401 - read by references
    except ImportError as error:
        msg = f'The report needs the package {error.name}. Install it with `pip install "acyclome[report]"`.'
        raise InputError(msg) from error

    parts = {"style": _text("report.css"), "script": "\n".join(_text(f"{name}.js") for name in scripts)}
    try:
        return _environment().get_template(template).render(**context, **parts, data=json_for_html(data))
    except jinja2.UndefinedError as error:  # an entry of the record that is not there
        raise LookupError(str(error)) from error


@cache  # it keeps its compiled templates, which takes longer than to fill one
def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("acyclome.report", "templates"),
        autoescape=True,  # names of genes and files come from outside
        undefined=jinja2.StrictUndefined,  # a name that is missing is an error, not an empty place
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(count=wording.count, share=wording.share, decimal=wording.decimal, plural=wording.plural)
    return environment


def json_for_html(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escaped in _UNSAFE.items():
        text = text.replace(character, escaped)
    return text


def _text(name: str) -> str:
    return files("acyclome.report").joinpath("templates", name).read_text(encoding="utf-8")
