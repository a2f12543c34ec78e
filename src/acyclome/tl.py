"""Learn networks from AnnData objects, in the grammar of scanpy: look up, call, write named keys."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from acyclome.config import Config
from acyclome.io.keys import check_changeable, check_key, read_joint, read_keys, write_keys
from acyclome.knowledge.regulators import listed_regulators
from acyclome.notebook import speaks_python, tell
from acyclome.notebook.bars import reporter
from acyclome.options.earlier import earlier_arguments
from acyclome.prepare.checks import check_upright

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

__all__ = ["blame", "compare", "dag", "modules", "predict"]


@speaks_python
@earlier_arguments(rules="knowledge", resamples="n_resamples", seed="random_state")
def dag(
    adata: AnnData,
    *,
    layer: str | None = None,
    gene_names: str | None = None,
    groupby: str | None = None,
    joint: bool = False,
    perturbation: str | None = None,
    control: str | None = None,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    knowledge: pd.DataFrame | str | os.PathLike[str] | None = None,
    n_resamples: int | None = None,
    random_state: int | None = None,
    key_added: str = "dag",
    copy: bool = False,
    config: Mapping[str, Any] | Config | None = None,
    threads: int | None = None,
    device: str = "auto",
    preset: Literal["quick", "paper"] | None = None,
) -> AnnData | None:
    """Learn a causal network of the genes and write it into `adata`.

    Parameters
    ----------
    adata
        Observations x genes.
    layer, groupby, n_resamples, random_state
        As ``input.layer`` (``"dag_input"``, written by :func:`acyclome.pp.prepare`, is taken as prepared),
        ``input.group_by`` (one network for each label), ``resample.resamples`` and ``seed``; None: as in `config`.
    joint
        Learn the groups together, with one order and shared causes, and test which edges differ (:func:`compare`).
    gene_names
        Column of ``adata.var`` with symbols, which stand beside the names of genes in tables and figures; None: found
        where these are Ensembl ids.
    perturbation, control
        As ``input.perturbation``, the column of obs that names the targets of interventions, and ``input.control``.
    regulators
        Names of the only genes that may be causes, a file with one a line, or ``"human"`` or ``"mouse"``: the
        transcription factors with a known motif. They stay beside the ``n_top_genes``.
    knowledge
        Table of edges known beforehand, or its file, as for :func:`acyclome.learn`.
    key_added, copy
        Name under which the network is written; whether into a copy, which is returned, and not into `adata`.
    config, preset
        Further options, such as ``{"score": {"noise": "equal"}}``, which go over those of a preset: ``"quick"`` for a
        first look (no half-samples, no checks), ``"paper"`` for a hundred half-samples.
    threads, device
        How to run: the result does not depend on threads, nor, but for rounding, on ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    None, or the copy. Written are ``uns[key_added]``, which :mod:`acyclome.get` reads as tables, and for other packages
    the weights in ``varp[key_added]`` (CSR, row = source, column = target) and ``var`` with ``_order``, ``_in_degree``,
    ``_out_degree`` and ``_is_regulator`` added to the name; ``_gene`` says which gene is which, if some are left out.
    With `groupby` ``varp`` has the label of each group added to the name.

    Raises
    ------
    InputError
        If an option, the matrix, the column or the list of regulators cannot be used.

    Examples
    --------
    >>> ac.tl.dag(adata, layer="counts", regulators="human", n_resamples=4)
    >>> ac.get.edges(adata)[["source", "target"]]
      source target
    0   KLF1    HBB
    1   SPI1    LYZ
    2   SPI1   CST3
    3  GATA1   KLF1
    >>> ac.tl.dag(adata, layer="counts", groupby="cell_type", joint=True, n_resamples=4, key_added="types")
    """
    from acyclome.machine import threads_asked
    from acyclome.pipeline.anndata_store import labels_asked_for, store_of
    from acyclome.pipeline.asked import asked_for
    from acyclome.pipeline.doors import Door
    from acyclome.pipeline.groups import learn_groups
    from acyclome.pipeline.task import Runtime

    _check(adata, key_added, copy=copy)  # now, not after an hour
    given = {
        "input.layer": layer,
        "input.gene_names": gene_names,
        "input.group_by": groupby,
        "input.perturbation": perturbation,
        "input.control": control,
        **{"input.joint": joint or None, "resample.resamples": n_resamples, "seed": random_state},
    }
    options, causes = asked_for(config, preset, given), listed_regulators(regulators)
    door = Door.in_memory(
        "acyclome.tl.dag",
        lambda label: store_of(adata, options, group=label, regulators=causes),
        regulators=causes,
        knowledge=knowledge,
    )
    runtime = Runtime(threads=threads_asked(threads), device=device, progress=reporter(), tell=tell)
    networks = learn_groups(labels_asked_for(adata, options), door, options, runtime=runtime)
    target = adata.copy() if copy else adata
    if target.is_view:  # else every key that is written would copy it anew, with a warning
        target._init_as_actual(target.copy())
    write_keys(target, networks.get(None, networks), key_added)
    return target if copy else None


def _check(adata: AnnData, key: str, *, copy: bool) -> None:
    check_key(adata, key)
    check_changeable(adata, copy=copy)
    check_upright(adata)


@speaks_python
def compare(adata: AnnData, first: str, second: str, *, key: str = "dag") -> pd.DataFrame:
    """Return the edges of two groups that were learned together (``joint=True``), most different first.

    Parameters
    ----------
    adata
        Object with networks of groups.
    first, second
        Labels of the groups.
    key
        The ``key_added`` of the call that learned them.

    Returns
    -------
    The table of :meth:`acyclome.network.JointNetworks.compare`: weights, their ``difference``, ``z``, ``p`` and ``q``.

    Raises
    ------
    InputError
        If there are no such networks, or a label is not one of theirs.

    Examples
    --------
    >>> ac.tl.compare(adata, "CD14 Mono", "CD16 Mono", key="types")[["source", "target", "z"]].round(1).head(1)
      source target     z
    0   SPI1   CST3 -12.3
    """
    return read_joint(adata, key).compare(first, second)


@speaks_python
def predict(
    adata: AnnData,
    *,
    knockout: str | Sequence[str] | None = None,
    set: Mapping[str, float] | None = None,
    shift: Mapping[str, float] | None = None,
    perturb: str | Sequence[str] | None = None,
    interval: float = 0.9,
    key: str = "dag",
    group: str | None = None,
) -> pd.DataFrame:
    """Predict the expected change of every gene when some are acted on, by a network inside `adata`.

    Parameters
    ----------
    adata, key, group
        As of :func:`acyclome.get.network`.
    knockout, set, shift, perturb, interval
        As of :meth:`acyclome.Network.predict`.

    Returns
    -------
    One row per gene, largest change first, with an interval from the resamples.

    Raises
    ------
    InputError
        If there is no network, a gene is unknown or acted on twice, or nothing is acted on.

    Examples
    --------
    >>> answer = ac.tl.predict(adata, knockout="SPI1")
    >>> answer[["gene", "change", "basis"]].round(1).head(2)
       gene  change                 basis
    0  SPI1    -2.6              acted on
    1   LYZ    -1.9  network, not checked
    >>> ac.tl.predict(adata, set={"GATA1": 1.0}, shift={"SPI1": -0.5})["gene"].head(2).tolist()
    ['GATA1', 'SPI1']
    """
    return read_keys(adata, key, group).predict(set, shift, knockout, perturb=perturb, interval=interval)


@speaks_python
def blame(
    adata: AnnData,
    before: AnnData,
    after: AnnData,
    *,
    acts_on: Literal["transcript", "activity"] = "transcript",
    key: str = "dag",
    group: str | None = None,
) -> pd.DataFrame:
    """Rank genes by how probable it is that acting on them made the difference, by a network inside `adata`.

    Parameters
    ----------
    adata, key, group
        As of :func:`acyclome.get.network`.
    before, after
        Observations before and after, in the matrix that the network was learned from; prepared here as that was.
    acts_on
        ``transcript`` where the target's expression changes (a knock-down), ``activity`` where it need not (a drug).

    Returns
    -------
    One row per gene, most probable first: ``probability``, ``change`` of itself in standard deviations, ``fit`` (share
    of what the others did that its total effects explain), ``acted_on`` (whether these are measured). ``attrs`` hold
    how often targets were found again that were held out.

    Raises
    ------
    InputError
        If there is no network, too few of its genes are in both, or it was learned from counts.

    Examples
    --------
    >>> is_high = adata[:, "SPI1"].layers["counts"].ravel() > 20  # as if SPI1 had been raised
    >>> ac.tl.blame(adata, adata[~is_high], adata[is_high])["gene"][0]
    'SPI1'
    """
    from acyclome.network.blame import blame as blamed
    from acyclome.prepare.alike import prepare_alike

    network = read_keys(adata, key, group)
    tables = [prepare_alike(part, network.facts, network.genes) for part in (before, after)]
    return network.with_symbols(blamed(network, *tables, acts_on=acts_on))


@speaks_python
def modules(
    adata: AnnData,
    *,
    n_modules: int | str = "auto",
    gene_sets: str | os.PathLike[str] | None = None,
    visible: str | os.PathLike[str] | None = None,
    regulators: Sequence[str] | str | os.PathLike[str] | None = None,
    prices: Mapping[str, float] | None = None,
    key: str = "dag",
    group: str | None = None,
) -> None:
    """Learn modules of genes and the graph among them; written are ``uns`` and ``obsm[key + "_modules"]``.

    Parameters
    ----------
    n_modules
        How many at most, 0 for visible ones alone; ``"auto"``: the fewest that are as good as the best.
    gene_sets, visible
        Files of gene sets (gmt): by which modules are named, and of which each is followed by a module.
    regulators, key, group
        The only genes that may act on modules, as of :func:`dag`; ``key_added`` of the network, and whose of several.
    prices
        Of ``loadings`` (1), ``edges`` into modules (1), and loadings from ``outside`` a visible set (3).

    Raises
    ------
    InputError
        If there is no network, no module is found, or a file or number cannot be used.

    Examples
    --------
    >>> ac.tl.modules(modular)
    >>> len(ac.get.modules(modular).modules)
    4
    """
    from acyclome.pipeline.modules import modules_of_adata
    from acyclome.pipeline.modules_asked import Asked, priced

    asked, given = Asked(n_modules, gene_sets, visible, priced(prices or {})), listed_regulators(regulators)
    modules_of_adata(adata, asked, key=key, group=group, regulators=given, progress=reporter(), tell=tell)


def __dir__() -> list[str]:
    return __all__
