"""The page itself: facts and figures put into the template, styles and scripts put into the page, one file written."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from acyclome import wording
from acyclome.errors import AcyclomeError, InputError
from acyclome.io import atomic
from acyclome.report import charts, confidence, ego, methods, payload, summary, validation
from acyclome.report.source import Run, read_run

STATIC_ROWS = 25  # of the edge table, in the page before a script runs, and in print
# Of the page, one script: each uses what stands before it.
SCRIPTS = ("page", "figures", "members", "gene", "evidence", "whatif", "paths", "map", "edges", "start")


def write_report(out: Path) -> Path:
    """Write ``report.html`` into the folder of a finished run, from the files of that folder alone; return its path.

    The page needs no network and holds no time stamp: the same files give the same bytes.
    """
    run = read_run(Path(out))
    path = Path(out) / "report.html"
    try:
        page = render(run)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, AcyclomeError):
            raise
        # The record is checked against its digest; what it says may be of another version, or of somebody's making.
        msg = (
            f"No report can be made of {str(out)!r}: its files do not fit together ({type(error).__name__}: {error}). "
            "They were changed, or are of another version: run again with --resume. If neither is so, this is a fault "
            "of acyclome; please send run.json with your report of it."
        )
        raise InputError(msg) from error
    atomic.write_text(path, page)
    return path


def render(run: Run) -> str:
    try:
        import jinja2
        import pybtex  # noqa: F401 - read by references
    except ImportError as error:
        msg = f'The report needs the package {error.name}. Install it with `pip install "acyclome[report]"`.'
        raise InputError(msg) from error

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("acyclome.report", "templates"),
        autoescape=True,  # names of genes and files come from outside
        undefined=jinja2.StrictUndefined,  # a name that is missing is an error, not an empty place
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(count=wording.count, share=wording.share, decimal=wording.decimal, plural=wording.plural)
    try:
        return environment.get_template("report.html.j2").render(_context(run))
    except jinja2.UndefinedError as error:  # an entry of the record that is not there
        raise LookupError(str(error)) from error


def _context(run: Run) -> dict[str, Any]:
    no_edge = "The network has no edge: no dependence in these data was strong enough to be believed."
    templates = files("acyclome.report").joinpath("templates")
    return {
        "style": templates.joinpath("report.css").read_text(encoding="utf-8"),
        "script": "\n".join(templates.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS),
        "data": payload.json_for_html(payload.page_data(run)),
        "name": summary.data_name(run),
        "run": run,
        "version": run.fact("version"),
        "warnings": [*([] if len(run.edges) else [no_edge]), *run.fact("warnings")],
        "cards": summary.cards(run),
        "total": summary.counts(run),
        **_network(run),
        **_confidence(run),
        "findings": (found := validation.findings(run)),
        "signs": [finding for finding in found if finding.is_bad],
        "rivals": validation.rivals(run),
        "predictions": validation.predictions(run),
        "borne_out": validation.borne_out(run),
        **_provenance(run),
    }


def _network(run: Run) -> dict[str, Any]:
    regulators = summary.top_regulators(run)
    top = regulators[0]["gene"] if regulators else ""
    return {
        "edges": run.edges.head(STATIC_ROWS).to_dict("records"),
        "embedded": min(len(run.edges), payload.EMBEDDED_EDGES),
        "regulators": regulators,
        "regulators_listed": summary.regulators_listed(run),
        "top": top,
        "label": run.network.label,
        "ego": ego.draw_ego(ego.choose_ego(run.edges, top, run.network.label)) if top else "",
        "ranking": summary.ranking_head(run),
        "strong": confidence.STRONG,
    }


def _confidence(run: Run) -> dict[str, Any]:
    levels = confidence.stability_levels(run)
    curve = confidence.stability_curve(run) if run.has_stability else []
    return {
        "stability_chart": charts.stability_chart(curve, mark=confidence.STRONG) if run.has_stability else "",
        "levels": levels if run.has_stability else [],
        "per_resample": confidence.edges_per_resample(run),
        "pairs": confidence.possible_pairs(run),
        "is_bounded": any(level.expected_false is not None for level in levels),
    }


def _provenance(run: Run) -> dict[str, Any]:
    path = run.fact("fit.convergence") or []
    paragraph, papers = methods.methods_text(run)
    return {
        "model": run.words.model,
        "compared": summary.compared(run),
        "is_climbed": run.card.search == "hill_climbing",
        "is_relaxed": run.is_relaxed,
        "preparation": summary.preparation(run),
        "sortability": summary.sortability(run),
        "h_chart": charts.path_chart(path, "h", heading="Acyclicity h (0: no cycle)"),
        "objective_chart": charts.path_chart(path, "objective", heading="Objective"),
        "path": path,
        "methods": paragraph,
        "references": papers,
        "stages": summary.stages(run),
        "options": summary.options(run),
        "command": summary.command(run),
        "versions": run.fact("versions"),
    }
