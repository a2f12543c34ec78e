"""Constraints of the core from tables with names, for the genes of one network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from acyclome.config import Config
from acyclome.core.data.candidates import distinct
from acyclome.core.data.constraints import Constraints
from acyclome.errors import InputError, examples
from acyclome.knowledge.regulators import likely_reason
from acyclome.knowledge.symbols import Symbols, Translator
from acyclome.wording import plural

if TYPE_CHECKING:
    import pandas as pd

    from acyclome.knowledge.shared import Shared

_BETWEEN = re.compile("[;,|]")  # genes of one cell
MOST_COST = 0.1  # of an edge that most conditions have, and its inverse of one that most lack: exceptions must earn it


@dataclass(frozen=True)
class Prior:
    """What is known of the edges among the genes of one network."""

    constraints: Constraints
    given: Constraints  # those not learned from groups; they alone say that a direction is known
    # (k,) keys target * d + source of all edges of the tables, rising, and what each says of its edge
    keys: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    text: np.ndarray = field(default_factory=lambda: np.empty(0, object))
    warnings: tuple[str, ...] = ()  # what a user should hear: names that are not among the genes

    @classmethod
    def of_sources(cls, sources: np.ndarray) -> Self:
        """Return that of edges of which nothing is known but which genes may be sources, ``(d,)`` bool."""
        constraints = Constraints.of_sources(sources)
        return cls(constraints, constraints)

    def subset(self, genes: np.ndarray) -> Self:
        """Return what binds the edges among ``genes`` (rising), renumbered; what tables say of edges stays behind."""
        return type(self)(self.constraints.subset(genes), self.given.subset(genes))

    def as_whole(self) -> Self:
        return replace(self, constraints=self.constraints.as_whole(), given=self.given.as_whole())

    def content(self) -> tuple[np.ndarray, ...]:
        """Return all that the result depends on, to be part of a key."""
        c = self.constraints
        bound = (c.sources, c.tier, c.forbidden, c.required, c.signed, c.sign, c.soft, c.cost)
        return (*bound, self.keys, np.array([";".join(self.text)]))

    def keys_of(self, kind: str) -> np.ndarray:
        return self.keys[[kind in [word.rstrip("+-") for word in text.split(";")] for text in self.text]]

    def of(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return what is known of each edge ``source -> target``, ``(m,)``, empty where nothing is."""
        keys = np.asarray(target, np.int64) * self.constraints.n_genes + source
        if not len(self.keys):
            return np.full(len(keys), "", object)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.text[at], "")


def prior_of(
    config: Config,
    genes: Sequence[str],
    *,
    table: Any,
    symbols: Symbols,
    sources: np.ndarray,
    group: str | None,
    shared: Shared | None,
) -> Prior:
    """Return what the tables of the config, or ``table`` in the place of its first, say of the edges here."""
    asked = config.knowledge
    tables = asked.knowledge if table is None else table, asked.forbidden, asked.required
    if all(given is None for given in (*tables, asked.tiers, shared)):  # to read no table takes as long as 20 genes
        return Prior.of_sources(sources)
    from acyclome.knowledge.tables import read_prior, read_tiers, with_categories

    tiers = {} if asked.tiers is None else read_tiers(asked.tiers)
    rows = read_prior(*tables)
    if symbols:
        gene = Translator(genes, symbols).first_of
        tiers, notes = {gene(name): tier for name, tier in tiers.items()}, rows.attrs["notes"]
        rows = with_categories(rows.assign(**{end: rows[end].astype(object).map(gene) for end in ("source", "target")}))
        rows.attrs["notes"] = notes
    prior = make_prior(rows, genes, sources=sources, tiers=tiers, group=group, shared=shared)
    return replace(prior, warnings=(*rows.attrs["notes"], *prior.warnings))


def make_prior(
    rows: pd.DataFrame,
    genes: Sequence[str],
    *,
    sources: np.ndarray | None = None,  # (d,) bool, genes that may be causes; None means all
    tiers: Mapping[str, int] | None = None,  # by gene; genes without one stand in the lowest that is given
    group: str | None = None,  # label of the group at hand; rows of the scope of another do not count
    shared: Shared | None = None,  # with the groups that are learned together with this one
) -> Prior:
    """Turn the rows of :func:`read_prior` into constraints on the edges among ``genes``.

    An InputError says if no name is among the genes, or constraints contradict one another.
    """
    import pandas as pd

    from acyclome.knowledge.conflicts import check_constraints
    from acyclome.knowledge.tables import with_categories

    if shared is not None:  # read twice, since only what was given is warned of, and known of a direction
        given = make_prior(rows, genes, sources=sources, tiers=tiers, group=group)
        more = with_categories(pd.concat([rows, shared.rows(genes)], ignore_index=True))
        prior = make_prior(more, genes, sources=sources, tiers=shared.tiers(genes, tiers), group=group)
        return replace(prior, warnings=given.warnings, given=given.constraints)
    d, index = len(genes), {gene: k for k, gene in enumerate(genes)}
    rows, apart = _one_gene_a_cell(rows, index)
    meant = rows["scope"].isin(["all", "most"] if group is None else ["all", "most", group])
    left_out, rows = rows["scope"][~meant].tolist(), rows[meant]
    ends = [rows[name].cat.codes.to_numpy(np.int64) for name in ("source", "target")]
    names = rows["source"].cat.categories  # those of the targets too
    source, target = (np.array([index.get(name, -1) for name in names], np.int64)[codes] for codes in ends)
    is_here = (source >= 0) & (target >= 0)
    warnings = _name_warnings(names[distinct(np.concatenate(ends))], is_here, tiers or {}, genes=genes)
    warnings += apart
    if left_out:
        scopes = examples(sorted(set(left_out)))
        here = "there are no groups" if group is None else f"this is the group {group}"
        warnings.append(
            f"{plural(len(left_out), 'edge|s of the prior knowledge is|are')} for {scopes}, and {here}: left out here."
        )
    rows = rows.assign(key=target * d + source)[is_here]  # by target, as candidates are
    constraints = _constraints(rows, np.ones(d, bool) if sources is None else sources, _tiers(tiers, genes))
    check_constraints(constraints, rows, genes)
    others = rows[rows["kind"] != "forbidden"]  # a forbidden edge is never there to be explained
    text = others["kind"].astype(object) + others["sign"].astype(object)
    said = text.groupby(others["key"]).agg(lambda texts: ";".join(dict.fromkeys(texts)))
    return Prior(constraints, constraints, said.index.to_numpy(np.int64), said.to_numpy(object), tuple(warnings))


def _one_gene_a_cell(rows: pd.DataFrame, known: Mapping[str, int]) -> tuple[pd.DataFrame, list[str]]:
    """Return rows whose cells hold one gene each, and what is to be said of cells that held several."""
    from acyclome.knowledge.tables import with_categories

    several = {
        name: parts
        for name in rows["source"].cat.categories
        if name not in known and len(parts := [part.strip() for part in _BETWEEN.split(name) if part.strip()]) > 1
    }
    several = {name: parts for name, parts in several.items() if any(part in known for part in parts)}
    if not several:
        return rows, []
    ends = {end: rows[end].astype(object).map(lambda name: several.get(name, [name])) for end in ("source", "target")}
    apart = rows.assign(**ends).explode("source").explode("target").reset_index(drop=True)
    said = (
        f"{plural(len(several), 'cell|s of the prior knowledge holds|hold')} several genes "
        f"({examples(list(several), 3)})"
    )
    return with_categories(apart), [f"{said}: each makes an edge of its own."]


def sign_warnings(edges: pd.DataFrame) -> list[str]:
    """Return what is to be said of required edges of a network that the data do not give the sign asked for."""
    text = edges["prior"].astype(str)
    is_signed = text.str.contains("required") & text.str.contains("(?:required|soft|forbidden)[+-]")
    bound = edges[is_signed & (edges["weight"] == 0.0)]
    if not len(bound):
        return []
    names = [f"{source} -> {target}" for source, target in zip(bound["source"], bound["target"], strict=True)]
    said = "The data do not give these required edges the sign asked for; they stay with the weight 0"
    return [f"{said}: {examples(names)}."]


def _constraints(rows: pd.DataFrame, sources: np.ndarray, tier: np.ndarray) -> Constraints:
    from acyclome.knowledge.conflicts import check_signs

    always = rows["scope"] != "most"
    forbidden = distinct(rows["key"][always & (rows["kind"] == "forbidden")].to_numpy(np.int64))
    required = distinct(rows["key"][always & (rows["kind"] == "required")].to_numpy(np.int64))
    signs = rows[
        (always | (rows["kind"] == "soft")) & (rows["sign"] != "") & (rows["kind"] != "known")
    ].drop_duplicates(["key", "sign"])
    check_signs(signs)
    signs = signs.sort_values("key")
    weighed = rows[((rows["kind"] == "soft") | ~always) & (rows["kind"] != "known")]
    weighed = weighed[~weighed["key"].isin(required)]  # what is there in any case has no price
    mostly = (
        weighed["kind"]
        .map({"forbidden": 1.0 / MOST_COST, **dict.fromkeys(("required", "shared"), MOST_COST)})
        .astype(float)
    )
    soft = mostly.fillna(1.0 - weighed["weight"]).groupby(weighed["key"]).prod().sort_index()
    return Constraints(
        sources,
        tier,
        int(sources.sum()),
        forbidden=forbidden,
        required=required,
        signed=signs["key"].to_numpy(np.int64),
        sign=np.where(signs["sign"] == "+", 1, -1).astype(np.int8),
        soft=soft.index.to_numpy(np.int64),
        cost=soft.to_numpy(float),
    )


def _tiers(tiers: Mapping[str, int] | None, genes: Sequence[str]) -> np.ndarray:
    if not tiers:
        return np.zeros(len(genes), np.int64)
    lowest = min(tiers.values())
    return np.array([tiers.get(gene, lowest) for gene in genes], np.int64)


def _name_warnings(
    names: Iterable[str], is_here: np.ndarray, tiers: Mapping[str, int], *, genes: Sequence[str]
) -> list[str]:
    """Return what is to be said of names, in edges (all here or not, ``(m,)``) and in tiers, that are no genes here."""
    warnings, here = [], set(genes)
    for what, total, used, given in (
        ("edges of the prior knowledge", len(is_here), int(is_here.sum()), names),
        ("genes with a tier", len(tiers), sum(name in here for name in tiers), list(tiers)),
    ):
        if total == used:
            continue
        missing = [name for name in given if name not in here]
        text = f"{used:,} of {total:,} {what} are among the {len(genes):,} genes; not among them: {examples(missing)}."
        text = f"{text} {likely_reason(genes, missing)}".strip()
        if not used:  # another nomenclature, or another species
            raise InputError(text)
        warnings.append(text)
    return warnings
