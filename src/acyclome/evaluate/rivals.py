"""What a network has to beat on its own data: simpler networks, and known edges met by chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from acyclome.core.data.interventions import Interventions
from acyclome.evaluate.accuracy import Edges
from acyclome.evaluate.baselines import correlation_ranking, heldout_log_likelihood
from acyclome.evaluate.trial import SORTS, sorted_edges

OURS, STRONGEST, EMPTY = "this method", "strongest correlations", "no edge"


def rival_networks(X: np.ndarray, n_edges: int, causes: np.ndarray, seed: int) -> dict[str, Edges]:
    """Return simpler networks of the same data ``(n, d)``, as edges by name.

    Genes sorted by variance, by rising or falling R2, or at random, each regressed on those before it; the ``n_edges``
    most correlated pairs along that random order; none. Edges of genes that may not be causes (``causes``, (d,) bool)
    are left out.
    """
    nothing = np.empty(0, np.int64)
    found: dict[str, Edges] = {name: sorted_edges(X, name, seed) for name in SORTS}
    source, target, score = correlation_ranking(X)
    place = np.random.default_rng([len(SORTS), seed]).permutation(X.shape[1])
    forward = np.flatnonzero((place[source] < place[target]) & causes[source])
    best = forward[np.argsort(-score[forward], kind="stable")[:n_edges]]
    found |= {STRONGEST: (source[best], target[best]), EMPTY: (nothing, nothing)}
    return {name: (s[causes[s]], t[causes[s]]) for name, (s, t) in found.items()}


def beside_rivals(
    train: np.ndarray, test: np.ndarray, networks: Mapping[str, Edges], interventions: Sequence[Interventions] = ()
) -> list[dict[str, Any]]:
    """Judge networks by observations that none has seen, and compare them with the first.

    ``train`` is (n, d), ``test`` (k, d), ``interventions`` those in the one and in the other. Of every network:
    ``edges``; ``gain``, the log-likelihood per held-out observation over that of no edge, in nats, genes that cannot be
    fitted left out; ``helped``, share of the genes with causes that gain; ``joined``, share of the pairs of the first
    that it joins too; ``same``, share of those with the same direction (nan where there are none).
    """
    d, rows = train.shape[1], []
    ours = next(iter(networks.values()))
    alone = heldout_log_likelihood(
        train, test, *networks.get(EMPTY, (np.empty(0, int), np.empty(0, int))), interventions
    )
    for name, (source, target) in networks.items():
        gain = heldout_log_likelihood(train, test, source, target, interventions) - alone
        here = np.isin(ours[1] * d + ours[0], target * d + source)
        turned = np.isin(ours[0] * d + ours[1], target * d + source)
        joined = int((here | turned).sum())
        rows.append(
            {
                "network": name,
                "edges": len(source),
                "gain": float(np.nansum(gain)),
                "helped": _share((gain[np.unique(target)] > 0).sum(), len(np.unique(target))),
                "joined": _share(joined, len(here)),
                "same": _share(here.sum(), joined),
            }
        )
    return rows


def met_by_chance(source: np.ndarray, target: np.ndarray, known: np.ndarray, d: int) -> dict[str, float]:
    """Count known edges (keys ``target * d + source``) that a network has, turned ones apart, and how many by chance.

    Chance deals the arrows out anew and leaves every gene its numbers of effects and causes: an edge ``i -> j`` is then
    expected ``out_i in_j / m`` times (Newman 2010, section 13.2).
    """
    m, out, into = len(source), np.bincount(source, minlength=d), np.bincount(target, minlength=d)
    i, j = known % d, known // d
    return {
        "known": float(len(known)),
        "edges": float(m),
        "found": float(np.isin(np.asarray(target, np.int64) * d + source, known).sum()),
        "turned": float(np.isin(np.asarray(source, np.int64) * d + target, known).sum()),
        "found_by_chance": float((out[i] * into[j]).sum() / max(m, 1)),
        "turned_by_chance": float((out[j] * into[i]).sum() / max(m, 1)),
    }


def _share(part: float, whole: int) -> float:
    return float(part) / whole if whole else float("nan")
