"""Which gene was acted on in which observation: names from a column of the observations to integers for the core.

Observations of which it is not known what was done are left out, and are counted: whatever their guide acted on, they
are no controls, and a target that is not measured would be a hidden cause of all that it acts on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from acyclome.core.data.interventions import LEAST_OWN, Interventions
from acyclome.core.effects.doses import SEVERAL, STRANGE, Treatments
from acyclome.core.effects.shifts import DOUBT, FIRM, OwnShifts
from acyclome.errors import InputError, examples
from acyclome.knowledge.controls import check_controls, further_controls
from acyclome.knowledge.labels import NOTHING, SEPARATOR, LabelColumn, LabelReader, Reading
from acyclome.knowledge.regulators import likely_reason
from acyclome.knowledge.symbols import Symbols
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd


class Strangers(NamedTuple):
    """Treatments with a target that is not measured: their observations, ``(m,)``, the number of each, and names."""

    rows: np.ndarray
    kind: np.ndarray
    names: list[tuple[str, ...]]


class Perturbation(NamedTuple):
    """Observations of which it is known what was done, rising, their interventions and treatments, and what is said.

    ``names`` are the targets of every treatment.
    """

    rows: np.ndarray
    interventions: Interventions
    treatments: Treatments
    names: list[tuple[str, ...]]
    strangers: Strangers
    facts: dict[str, Any]
    warnings: list[str]

    @classmethod
    def none(cls, *, n_obs: int, n_genes: int) -> Perturbation:
        rows, nobody = np.arange(n_obs), np.empty(0, np.int64)
        acted = Interventions.none(n_obs=n_obs, n_genes=n_genes)
        return cls(rows, acted, Treatments.none(n_obs), [], Strangers(nobody, nobody, []), {}, [])


def as_perturbation(given: Sequence[Any], n_obs: int) -> list[str]:
    """Return the targets of every observation as text, empty where there are none."""
    import pandas as pd

    if isinstance(given, str) or not isinstance(given, Iterable):
        kind = "one text" if isinstance(given, str) else f"of the type {type(given).__name__}"
        msg = f"perturbation is {kind}. Expected one for each observation: targets joined by ';', '' for control."
        raise InputError(msg)
    several = next((at for at, label in enumerate(given) if isinstance(label, (list, tuple, set))), None)
    if several is not None:
        msg = (
            f"perturbation holds several entries in one for observation {several}. Expected one text for each: its "
            "targets joined by ';', '' for control."
        )
        raise InputError(msg)
    labels = ["" if str(label) in NOTHING else str(label) for label in given]
    if len(labels) != n_obs:
        msg = (
            f"perturbation holds {plural(len(labels), 'entry|entries')} for {plural(n_obs, 'observation')}. Give one "
            "for each: its targets joined by ';', '' for control."
        )
        raise InputError(msg)
    check_labels(pd.Series(labels, dtype=object), "perturbation", None)
    return labels


def check_labels(labels: pd.Series[Any], column: str, control: str | None) -> None:
    """Refuse labels of all observations that name no target, and a control that none of them names."""
    kinds = labels.dropna().astype(str).value_counts()
    reader = LabelReader((), control, kinds.index)
    if all((reading := reader.read(kind)).is_missing or reading.is_clear for kind in kinds.index):
        msg = (
            f"No observation names a target in {column!r} (perturbation): all are control"
            f"{'' if control is None else f' ({control!r})'} or empty. Expected names of genes, several joined by ';'. "
            "Name the right column, or leave the option out."
        )
        raise InputError(msg)
    absent = reader.controls.difference(*(reader.controls_in(kind) for kind in kinds.index))
    if not absent:
        return
    msg = (
        f"No observation has the control {sorted(absent)[0]!r} in the column {column!r} (perturbation). Its most "
        f"frequent values: {examples([f'{kind} ({count})' for kind, count in kinds.items()])}. Give --control one of "
        "them, or several joined by ';', exactly as written, or leave it out if unperturbed observations have no value."
    )
    raise InputError(msg)


def find_targets(
    obs: pd.DataFrame | None,
    column: str,
    control: str | None,
    *,
    genes: Sequence[str],
    symbols: Symbols | None = None,
) -> Perturbation:
    """Find the genes that the observations, all or a group of them, name as their targets in a column of ``obs``.

    They may be named by their symbols; the record of what was read has these.

    An InputError says if there is no such column, or targets are named and none is among the genes.
    """
    if obs is None or column not in obs:
        msg = (
            f"The prepared data have no column {column!r} (perturbation). If observations were joined, those with "
            "different targets must not be: let --prepare.pseudobulk-by name that column too, separated by a comma."
        )
        raise InputError(msg)
    read = LabelColumn.read(obs[column], control, genes=genes, symbols=symbols)
    kind, labels, said, readings = read.kind, read.labels, read.said, read.readings
    _check_names(said, read.told, column)
    size = np.bincount(kind, minlength=len(said)).tolist()
    if not control:
        check_controls({label: n for label, one, n in zip(labels, said, size, strict=True) if one.unknown}, column)
    rows = np.flatnonzero(np.array([reading.is_clear for reading in readings], bool)[kind])
    named = [reading.targets if reading.is_clear else () for reading in readings]
    targets = _targets(kind[rows], named, genes)
    facts = {
        "column": column,
        "control": control,
        "targets": int(np.count_nonzero(targets.counts)),
        "observations": {
            "targeted": targets.n_obs - len(targets.untouched),
            "untouched": len(targets.untouched),
            "unknown": sum(n for reading, n in zip(readings, size, strict=True) if reading.unknown),
            "without_label": sum(n for reading, n in zip(readings, size, strict=True) if reading.is_missing),
        },
        **_record(labels, said, size),
    }
    warnings = _warnings(facts, targets, genes)
    return Perturbation(
        rows, targets, _treatments(kind[rows], named, genes), _sets(named), _strangers(kind, readings), facts, warnings
    )


def _record(labels: Sequence[str], readings: Sequence[Reading], size: Sequence[int]) -> dict[str, Any]:
    """Return how many observations name each unknown target, and what was read of labels that had to be taken apart."""
    unknown: Counter[str] = Counter()
    for reading, n in zip(readings, size, strict=True):
        unknown.update(dict.fromkeys(reading.unknown, n))
    read = {
        label: list(reading.targets)
        for label, reading in zip(labels, readings, strict=True)
        if reading.is_clear and not set(reading.targets) <= {part.strip() for part in label.split(SEPARATOR)}
    }
    return {"unknown": dict(unknown.most_common()), "read_as": read}


def _targets(kind: np.ndarray, named: Sequence[Sequence[str]], genes: Sequence[str]) -> Interventions:
    """Return the targets of all observations from those of every label, ``kind`` being the label of each."""
    index = {gene: j for j, gene in enumerate(genes)}
    order = np.argsort(kind, kind="stable")
    first = np.searchsorted(kind[order], np.arange(len(named) + 1))
    pairs = [
        (index[name], order[first[k] : first[k + 1]])
        for k, names in enumerate(named)
        for name in names
        if name in index
    ]
    gene = np.repeat(np.array([gene for gene, _ in pairs], np.int64), [len(rows) for _, rows in pairs])
    row = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in pairs)])
    return Interventions.from_pairs(gene, row, n_genes=len(genes), n_obs=len(kind))


def _sets(named: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Return what is named, once each and nothing left out, sorted, so that rows decide nothing."""
    return sorted({tuple(sorted(names)) for names in named} - {()})


def _strangers(kind: np.ndarray, readings: Sequence[Reading]) -> Strangers:
    """Return the treatments of which a target is not measured, whose effects on the genes are seen all the same."""
    named = [(*reading.targets, *reading.unknown) if reading.unknown else () for reading in readings]
    sets = _sets(named)
    number = {names: k for k, names in enumerate(sets)}
    each = np.array([number.get(tuple(sorted(names)), -1) for names in named], np.int64)[kind]
    rows = np.flatnonzero(each >= 0)
    return Strangers(rows, each[rows], sets)


def _treatments(kind: np.ndarray, named: Sequence[Sequence[str]], genes: Sequence[str]) -> Treatments:
    """Return what was done in every observation; labels that name the same targets are one treatment."""
    index = {gene: j for j, gene in enumerate(genes)}
    sets = [tuple(sorted(names)) for names in named]
    number = {names: k for k, names in enumerate(_sets(named))}
    only = [
        index.get(names[0], STRANGE)
        if len(names) == 1
        else SEVERAL
        if any(name in index for name in names)
        else STRANGE
        for names in number
    ]
    return Treatments(np.array([number.get(names, -1) for names in sets])[kind], np.array(only, np.int64))


def effects_table(shifts: OwnShifts, genes: Sequence[str]) -> list[dict[str, Any]]:
    columns = (shifts.gene, shifts.size, shifts.shift, shifts.p, shifts.is_firm)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [
        {"target": genes[j], "observations": n, "shift": shift, "p": p, "firm": firm} for j, n, shift, p, firm in rows
    ]


def effects_warnings(effects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what is to be said of targets that changed little or not at all themselves."""
    ranked = sorted(effects, key=lambda row: (-row["p"], abs(row["shift"])))
    idle = [f"{row['target']} ({row['shift']:+.2f} sd, p = {row['p']:.2g})" for row in ranked if row["p"] >= DOUBT]
    weak = [
        f"{row['target']} ({row['shift']:+.2f} sd)"
        for row in sorted(effects, key=lambda row: abs(row["shift"]))
        if row["p"] < DOUBT and not row["firm"]
    ]
    warnings, left = [], "Their observations are left out of their equations all the same, and decide no direction."
    if idle:
        warnings.append(
            f"{len(idle)} of {len(effects)} targets show no measurable change of their own expression (p >= {DOUBT}): "
            f"{examples(idle)}. {left}"
        )
    if weak:
        warnings.append(
            f"{len(weak)} of {len(effects)} targets changed by hardly more than {FIRM:g} sd themselves: "
            f"{examples(weak)}. {left}"
        )
    return warnings


def _check_names(readings: Sequence[Reading], genes: Sequence[str], column: str) -> None:
    unknown = list(dict.fromkeys(name for reading in readings for name in reading.unknown))
    if not unknown or any(reading.targets for reading in readings):
        return
    why = likely_reason(genes, unknown) or "Check that targets are named as the genes of the data are."
    msg = (
        f"None of the {plural(len(unknown), 'target')} in {column!r} (perturbation) is among the {len(genes)} genes of "
        f"the data.\n  targets: {examples(unknown)}\n  genes:   {examples(genes)}\nExpected names of genes, several "
        f"joined by ';', and the value of unperturbed observations as --control. {why}"
    )
    raise InputError(msg)


def _warnings(facts: Mapping[str, Any], targets: Interventions, genes: Sequence[str]) -> list[str]:
    warnings, column, observations = [], facts["column"], facts["observations"]
    if not facts["targets"]:
        warnings.append("None of these observations has a target, so no intervention says anything here.")
    if facts["unknown"]:
        named = [f"{name} ({n})" for name, n in facts["unknown"].items()]
        why = likely_reason(genes, list(facts["unknown"])) or (
            "Targets have to be among the genes that are kept (--min-cells), and further controls be "
            f"named: --control {further_controls(list(facts['unknown']), facts['control'])}."
        )
        warnings.append(
            f"In {column!r} {plural(len(named), 'target|s is|are')} not among the genes: {examples(named)}. "
            f"{plural(observations['unknown'], 'observation|s of them was|were')} left out, being no controls. {why}"
        )
    if observations["without_label"]:
        warnings.append(
            f"Without a label in {column!r} {plural(observations['without_label'], 'observation|s was|were')} left "
            f"out: where controls are called {facts['control']!r}, it is not known what was done to these."
        )
    if facts["read_as"]:
        read = [f"{label} as {' and '.join(names)}" for label, names in facts["read_as"].items()]
        warnings.append(f"{plural(len(read), 'label')} in {column!r} had to be taken apart: {examples(read)}.")
    few = [genes[j] for j in np.flatnonzero(targets.n_obs - targets.counts < LEAST_OWN).tolist()]
    if few:
        warnings.append(
            f"{plural(len(few), 'gene|s was|were')} acted on in all but fewer than {LEAST_OWN} observations, so "
            f"nothing is left to find causes from: {examples(few)}."
        )
    return warnings
