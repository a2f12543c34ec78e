"""The papers of ``references.bib`` and of the cards of models, which texts cite by ``[@key]``."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Any

from acyclome.models import models

CITATION = re.compile(r"\[@(\w+)\]")


def cite(text: str) -> str:
    """Return a text with authors and years in the place of keys."""
    return CITATION.sub(lambda match: _authors_and_year(match[1]), text)


def bibliography(text: str) -> list[str]:
    """Return the entries of the papers that a text cites, in the order of first use, as HTML."""
    style, html = _style()
    keys = list(dict.fromkeys(CITATION.findall(text)))
    return [entry.text.render(html) for entry in style.format_bibliography(papers(), keys)]


@cache  # pybtex looks for each of its parts through the entry points of all packages
def _style() -> tuple[Any, Any]:
    from pybtex.plugin import find_plugin

    style = find_plugin("pybtex.style.formatting", "unsrt")(abbreviate_names=True)
    return style, find_plugin("pybtex.backends", "html")()


def papers() -> Any:
    """Return all papers, with those that models of other packages bring along, as pybtex holds them."""
    return _parsed("\n".join(card.references for card in models().values()))


@cache  # by the text, since models may be registered at any time
def _parsed(more: str) -> Any:
    from pybtex.database import parse_string

    own = files("acyclome.report").joinpath("references.bib").read_text(encoding="utf-8")
    return parse_string(f"{own}\n{more}", "bibtex")


def _authors_and_year(key: str) -> str:
    entry = papers().entries[key]
    names = [" ".join(person.last_names) for person in entry.persons["author"]]
    authors = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{authors}, {entry.fields['year']}"
