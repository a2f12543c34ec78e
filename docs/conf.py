"""How Sphinx makes the site: ``make docs`` (notebooks run), or ``make docs EXECUTE=off`` (pages and links alone).

The source is the whole repository, so that links between pages are the same here, on a forge and in an editor; pages
that are not listed below are no pages of the site. Nothing is fetched, by the build or by the reader's browser:
formulas become MathML by what docutils carries.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.utils.math.latex2mathml import tex2mathml

from acyclome import __version__
from acyclome.cli import build_app, main

# Of notebooks: a bar that moves is no picture, and nobody needs to be told how to have one that moves more.
os.environ |= {"TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore:IProgress"}

project = "acyclome"
author = "the acyclome authors"
copyright = "the acyclome authors"
version = release = __version__

root_doc = "docs/README"
include_patterns = ["*.md", "docs/**", "config/*.md", "benchmarks/*.md"]
exclude_patterns = [".*", "docs/templates", "build", "dist", "results", "resources", "logs", "src", "tests", "envs"]
# The bar at the side: it is added to the first page while that is read, for a forge would show it as code.
PARTS = {
    "Start": ["Install, run, read the result <../README>"],
    "Tutorials": [
        "tutorials/first-network",
        "tutorials/which-matrix",
        "tutorials/one-cell-type",
        "tutorials/comparing-cell-types",
        "tutorials/crispr-screen",
        "tutorials/predict-and-check",
        "cluster",
    ],
    "Guides": [
        "edges",
        "report",
        "exports",
        "which-model",
        "time-and-memory",
        "faq",
        "inputs",
        "preparation",
        "models",
        "knowledge",
        "groups",
        "confounding",
        "confidence",
        "predictions",
        "ranking",
        "simulation",
    ],
    "Reference": [
        "command-line",
        "api",
        "Options and workflow <../config/README>",
        "glossary",
        "how-it-works",
        "reliability",
    ],
    "Measured": ["../benchmarks/RESULTS", "results/*", "../benchmarks/README"],
    "Project": ["../CHANGELOG", "../CONTRIBUTING", "../SECURITY", "../CODE_OF_CONDUCT"],
}

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
nb_execution_mode = os.environ.get("EXECUTE", "force")
# Seconds of a cell. Whole pages were measured at 3 to 10 s of one processor, with kernels compiled; the first after an
# installation compiles them, about a minute, and machines may be busy.
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True

html_math_renderer = "mathml"

autosummary_generate = True
autodoc_typehints = "none"  # the signature has them
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_custom_sections = ["Returns"]  # which here are sentences, and no list of names and types
python_use_unqualified_type_names = True
default_role = "literal"  # in docstrings `adata` is a word of code
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

templates_path = [str(Path(__file__).with_name("templates"))]  # else autosummary looks beside README.md
html_theme = "sphinx_book_theme"
html_title = f"acyclome {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_theme_options = {"show_toc_level": 2, "use_download_button": False, "use_fullscreen_button": False}
html_theme_options["navbar_persistent"] = []  # the search of the bar at the side is enough


class Flow(Directive):
    """A flow chart, which forges draw; here the figure on the first page has its place."""

    has_content = True

    def run(self) -> list[Any]:
        return []


class Commands(Directive):
    """The help of every command, as a terminal shows it."""

    def run(self) -> list[Any]:
        sections: list[Any] = []
        for name in build_app().commands:
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                main([name, "--help"])
            section = nodes.section(ids=[name])
            section += nodes.title(text=name)
            section += nodes.literal_block(text=said.getvalue().strip(), language="text")
            self.state.document.note_implicit_target(section)
            sections.append(section)
        return sections


def _formula(writer: Any, node: Any) -> None:
    writer.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def _bar(app: Any, page: str, text: list[str]) -> None:
    if page == root_doc:
        named = {page for pages in PARTS.values() for page in pages}
        others = sorted({path.stem for path in Path(__file__).parent.glob("*.md")} - named - {"README"})
        for caption, pages in (PARTS | {"Guides": [*PARTS["Guides"], *others]}).items():
            listed = "\n".join(pages)
            text[0] += f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{listed}\n```\n"


def _front(app: Any, error: Exception | None) -> None:
    """Lead from the root of the site to its first page, and list the pages there for programs (https://llmstxt.org)."""
    if error is not None or app.builder.format != "html":
        return
    page = '<!doctype html><meta http-equiv="refresh" content="0; url=docs/README.html"><title>acyclome</title>'
    Path(app.outdir, "index.html").write_text(f"{page}\n", encoding="utf-8")
    titles = {name: title.astext() for name, title in sorted(app.env.titles.items())}
    lines = [f"- [{title}]({name}.html)" for name, title in titles.items()]
    about = "Causal gene networks for the whole transcriptome: command line, Python beside scanpy, Snakemake workflow."
    text = "\n".join([f"# {project}", "", f"> {about}", "", "## Pages", "", *lines, ""])
    Path(app.outdir, "llms.txt").write_text(text, encoding="utf-8")


def setup(app: Any) -> None:
    """Add what is this site's own."""
    app.add_directive("mermaid", Flow)
    app.add_directive("commands", Commands)
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("source-read", _bar)
    app.connect("build-finished", _front)
