"""The page of a run, or of its groups: facts and figures put into a template, and one file written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acyclome.errors import AcyclomeError, InputError
from acyclome.io import atomic
from acyclome.io.names import REPORT
from acyclome.report import charts, confidence, ego, groups, methods, modules, payload, summary, validation
from acyclome.report.page import render_page
from acyclome.report.source import Run, read_run

STATIC_ROWS = 25  # of the edge table, in the page before a script runs, and in print
SCRIPTS = (
    *("elements", "page", "figures", "members", "values", "gene", "evidence", "whatif", "paths", "map", "moves"),
    *("edges", "start"),
)
GROUP_SCRIPTS = ("elements", "figures", "groups")


def write_report(out: Path) -> Path:
    """Write ``report.html`` into the folder of a finished run, from the files of that folder alone; return its path.

    In the folder of several groups it is a page that compares them. It needs no network and holds no time stamp: the
    same files give the same bytes.
    """
    folder = Path(out)
    path = folder / REPORT
    try:
        page = render_groups(folder) if groups.group_folders(folder) else render(read_run(folder))
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
    return render_page("report.html.j2", SCRIPTS, data=payload.page_data(run), context=_context(run))


def render_groups(folder: Path) -> str:
    found = groups.read_groups(folder)
    return render_page("groups.html.j2", GROUP_SCRIPTS, data=groups.page_data(found), context=groups.context(found))


def _context(run: Run) -> dict[str, Any]:
    no_edge = "The network has no edge: no dependence in these data was strong enough to be believed."
    return {
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
        "modules": modules.modules(run),
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
