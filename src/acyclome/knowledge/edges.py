"""Rules of the core from tables with names, for the genes of one network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from acyclome.config import Config
from acyclome.core.data.candidates import distinct
from acyclome.core.data.constraints import EdgeRules
from acyclome.errors import InputError, examples
from acyclome.knowledge.conflicts import check_rules, check_signs
from acyclome.knowledge.regulators import likely_reason
from acyclome.knowledge.shared import Shared
from acyclome.knowledge.tables import read_prior, read_tiers, with_categories

MOST_PRICE = 0.1  # of an edge that most conditions have, and its inverse of one that most lack: exceptions must earn it


@dataclass(frozen=True)
class Prior:
    """What is known of the edges among the genes of one network.

    Parameters
    ----------
    rules
        For the core; None if nothing binds.
    pairs, text
        ``(k,)`` keys ``target * d + source`` of all edges of the tables, rising, and what each says of its edge.
    warnings
        What a user should hear: names that are not among the genes.
    borrowed, own
        Whether the rules hold what groups share, and then the rules without that.
    """

    rules: EdgeRules | None = None
    pairs: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    text: np.ndarray = field(default_factory=lambda: np.empty(0, object))
    warnings: tuple[str, ...] = ()
    borrowed: bool = False
    own: EdgeRules | None = None

    @property
    def known(self) -> EdgeRules | None:
        """The rules that were given, not learned; they alone say that a direction is known."""
        return self.own if self.borrowed else self.rules

    def arrays(self) -> tuple[np.ndarray, ...]:
        """Return all that the result depends on, to be part of a key."""
        r = self.rules
        bound = () if r is None else (r.forbidden, r.required, r.signed, r.sign, r.soft, r.price)
        tiers = () if r is None or r.tier is None else (r.tier,)
        return (*bound, *tiers, self.pairs, np.array([";".join(self.text)]))

    def keys_of(self, kind: str) -> np.ndarray:
        """Return the keys of the edges that the tables name as of this kind, rising."""
        return self.pairs[[kind in [word.rstrip("+-") for word in text.split(";")] for text in self.text]]

    def of(self, source: np.ndarray, target: np.ndarray, n_genes: int) -> np.ndarray:
        """Return what is known of each edge ``source -> target``, ``(m,)``, empty where nothing is."""
        keys = np.asarray(target, np.int64) * n_genes + source
        if not len(self.pairs):
            return np.full(len(keys), "", object)
        at = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        return np.where(self.pairs[at] == keys, self.text[at], "")


def prior_of(
    config: Config, rules: Any, genes: Sequence[str], causes: np.ndarray, group: str | None, shared: Shared | None
) -> Prior:
    """Return what the tables of the config, and ``rules`` in the place of its first, say of the edges here."""
    known = config.knowledge
    tables = known.knowledge if rules is None else rules, known.forbidden, known.required
    if all(given is None for given in (*tables, known.tiers, shared)):
        return Prior()
    rows = read_prior(*tables)
    tiers = None if known.tiers is None else read_tiers(known.tiers)
    if rows.empty and tiers is None and shared is None:
        return Prior()
    return make_prior(rows, genes, tiers=tiers, group=group, causes=causes, shared=shared)


def make_prior(
    rows: pd.DataFrame,
    genes: Sequence[str],
    *,
    tiers: Mapping[str, int] | None = None,
    group: str | None = None,
    causes: np.ndarray | None = None,
    shared: Shared | None = None,
) -> Prior:
    """Turn tables into rules on the edges among ``genes``.

    Parameters
    ----------
    rows
        From :func:`read_prior`.
    tiers
        Tier by gene; genes without one stand in the lowest that is given.
    group
        Label of the group at hand; rows of the scope of another group do not count.
    causes
        ``(d,)`` bool, genes that may be causes.
    shared
        What the group shares with others that are learned together with it.

    Raises
    ------
    InputError
        If no name is among the genes, or rules contradict one another.
    """
    if shared is not None:
        own = make_prior(rows, genes, tiers=tiers, group=group, causes=causes)
        more = with_categories(pd.concat([rows, shared.rows(genes)], ignore_index=True))
        found = make_prior(more, genes, tiers=shared.tiers(genes, tiers), group=group, causes=causes)
        return replace(found, warnings=own.warnings, borrowed=True, own=own.rules)
    d, place = len(genes), {gene: k for k, gene in enumerate(genes)}
    meant = rows["scope"].isin(["all", "most"] if group is None else ["all", "most", group])
    left_out, rows = rows["scope"][~meant].tolist(), rows[meant]
    ends = [rows[name].cat.codes.to_numpy(np.int64) for name in ("source", "target")]
    names = rows["source"].cat.categories  # those of the targets too
    source, target = (np.array([place.get(name, -1) for name in names], np.int64)[codes] for codes in ends)
    known = (source >= 0) & (target >= 0)
    warnings = _name_warnings(names[distinct(np.concatenate(ends))], known, tiers or {}, genes)
    if left_out:
        scopes = examples(sorted(set(left_out)))
        here = "there are no groups" if group is None else f"this is the group {group}"
        warnings.append(f"{len(left_out):,} edges of the prior knowledge are for {scopes}, and {here}: left out here.")
    rows = rows.assign(key=target * d + source)[known]
    rules = _rules(rows, d, _tiers(tiers, genes))
    if rules is not None:
        check_rules(rules, rows, genes, np.ones(d, bool) if causes is None else causes)
    others = rows[rows["kind"] != "forbidden"]  # a forbidden edge is never there to be explained
    text = others["kind"].astype(object) + others["sign"].astype(object)
    said = text.groupby(others["key"]).agg(_joined)
    return Prior(rules, said.index.to_numpy(np.int64), said.to_numpy(object), tuple(warnings))


def _joined(texts: pd.Series) -> str:
    return ";".join(dict.fromkeys(texts))


def _rules(rows: pd.DataFrame, d: int, tier: np.ndarray | None) -> EdgeRules | None:
    always = rows["scope"] != "most"
    forbidden = distinct(rows["key"][always & (rows["kind"] == "forbidden")].to_numpy(np.int64))
    required = distinct(rows["key"][always & (rows["kind"] == "required")].to_numpy(np.int64))
    signs = rows[
        (always | (rows["kind"] == "soft")) & (rows["sign"] != "") & (rows["kind"] != "known")
    ].drop_duplicates(["key", "sign"])
    check_signs(signs)
    signs = signs.sort_values("key")
    priced = rows[((rows["kind"] == "soft") | ~always) & (rows["kind"] != "known")]
    priced = priced[~priced["key"].isin(required)]
    mostly = (
        priced["kind"]
        .map({"forbidden": 1.0 / MOST_PRICE, **dict.fromkeys(("required", "shared"), MOST_PRICE)})
        .astype(float)
    )
    soft = mostly.fillna(1.0 - priced["weight"]).groupby(priced["key"]).prod().sort_index()
    rules = EdgeRules(
        d,
        forbidden,
        required,
        signs["key"].to_numpy(np.int64),
        np.where(signs["sign"] == "+", 1, -1).astype(np.int8),
        soft.index.to_numpy(np.int64),
        soft.to_numpy(float),
        tier,
    )
    binds = len(forbidden) + len(required) + len(signs) + len(soft)
    return rules if binds or tier is not None else None


def _tiers(tiers: Mapping[str, int] | None, genes: Sequence[str]) -> np.ndarray | None:
    if not tiers:
        return None
    lowest = min(tiers.values())
    return np.array([tiers.get(gene, lowest) for gene in genes], np.int64)


def _name_warnings(
    names: Iterable[str], known: np.ndarray, tiers: Mapping[str, int], genes: Sequence[str]
) -> list[str]:
    """Return what is to be said of names, in edges (``known`` or not, ``(m,)``) and in tiers, that are no genes here.

    Raises
    ------
    InputError
        If no edge, or no tier, is among the genes.
    """
    warnings, here = [], set(genes)
    for what, total, used, given in (
        ("edges of the prior knowledge", len(known), int(known.sum()), names),
        ("genes with a tier", len(tiers), sum(name in here for name in tiers), list(tiers)),
    ):
        if total == used:
            continue
        missing = [name for name in given if name not in here]
        text = f"{used:,} of {total:,} {what} are among the {len(genes):,} genes; not among them: {examples(missing)}."
        text = f"{text} {likely_reason(genes, missing)}".strip()
        if not used:
            raise InputError(text)
        warnings.append(text)
    return warnings
