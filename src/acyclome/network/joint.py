"""Networks of groups that were learned together, and which of their edges differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from acyclome.errors import InputError, examples
from acyclome.network.network import Network


class JointNetworks(dict[str, Network]):
    """Networks by label, with the one they share and the table of differences.

    Parameters
    ----------
    shared
        What is learned from all groups.
    differential
        One row per edge of any network, most different first: ``source``, ``target``, ``shared`` (whether it is in the
        shared network), ``weight_LABEL`` and ``error_LABEL`` (in standard deviations within groups, the same units in
        all), ``difference`` (largest less smallest), ``z``, ``p`` and ``q``, the share of false discoveries down to the
        row.

    Examples
    --------
    >>> by_type = ac.learn(X, genes, groups=adata.obs["cell_type"], joint=True, n_resamples=0)
    >>> by_type.shared
    Network of 10 genes and 4 edges
    >>> by_type.compare("CD14 Mono", "CD16 Mono")[["source", "target", "z"]].round(1).head(1)
      source target     z
    0   SPI1   CST3 -12.3
    >>> by_type.differential.columns[:3].tolist()
    ['source', 'target', 'shared']
    """

    def __init__(self, networks: Mapping[str, Network], shared: Network, differential: pd.DataFrame) -> None:
        super().__init__(networks)
        self.shared, self.differential = shared, differential

    def compare(self, first: str, second: str) -> pd.DataFrame:
        """Return the edges of two groups, most different first.

        Returns
        -------
        ``source``, ``target``, ``shared``, weight and error in both, ``difference`` (first less second), ``z`` (the
        difference in standard errors), ``p`` and ``q``, the share of false discoveries down to the row.

        Raises
        ------
        InputError
            If a label is not one of the groups, or both are the same.
        """
        return compare(self.differential, self.shared, (first, second))


def compare(differential: pd.DataFrame, shared: Network, labels: tuple[str, str]) -> pd.DataFrame:
    """Return the edges of two groups, most different first, with the columns of :meth:`JointNetworks.compare`."""
    from scipy.stats import norm

    known = [name.removeprefix("weight_") for name in map(str, differential) if name.startswith("weight_")]
    for label in labels:
        if label not in known:
            msg = f"No group of these networks is called {label!r}; their labels are {examples(known, 10)}."
            raise InputError(msg)
    if labels[0] == labels[1]:
        msg = f"{labels[0]!r} was given twice; expected the labels of two groups."
        raise InputError(msg)
    weights, errors = ([f"{part}_{label}" for label in labels] for part in ("weight", "error"))
    difference = (differential[weights[0]] - differential[weights[1]]).to_numpy()
    error = np.hypot(*(differential[name].to_numpy() for name in errors))
    z = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    p = 2.0 * norm.sf(np.abs(z))
    table = differential[["source", "target", "shared", *weights, *errors]].assign(difference=difference, z=z, p=p)
    table = table.assign(q=in_families(p, differential["shared"].to_numpy(bool), shared))
    return table.sort_values(["q", "p", "source", "target"], kind="stable", ignore_index=True)


def in_families(p: np.ndarray, in_shared: np.ndarray, shared: Network) -> np.ndarray:
    """Return the shares of false discoveries among edges of the shared network, and among all others, ``(m,)``.

    Edges of the shared network were chosen by what groups have in common, which says nothing of their differences: they
    are a family of tests of their own. Edges of one group were chosen because they are strong there, so all pairs that
    the order allows count as tested.
    """
    nodes = shared.nodes
    allowed = int((len(nodes) - 1 - nodes["order"].to_numpy())[nodes["is_regulator"].to_numpy()].sum())
    q = np.ones(len(p))
    for family, tests in ((in_shared, shared.n_edges), (~in_shared, allowed - shared.n_edges)):
        q[family] = false_discovery(p[family], tests)
    return q


def false_discovery(p: np.ndarray, tests: int) -> np.ndarray:
    """Return the share of false discoveries if all up to each were called (Benjamini and Hochberg 1995), ``(m,)``.

    ``tests`` might have been made, at least ``m``; those that were not count as 1.
    """
    order = np.argsort(p, kind="stable")
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate((p[order] * tests / np.arange(1, len(p) + 1))[::-1])[::-1]
    return np.minimum(q, 1.0)
