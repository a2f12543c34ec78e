"""The record of a run: what ``run.json`` and ``Network.facts`` hold."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import Any

from acyclome._version import __version__
from acyclome.config import Config
from acyclome.knowledge.edges import sign_warnings
from acyclome.knowledge.interventions import effects_warnings
from acyclome.network import Network
from acyclome.pipeline.dataset import Dataset
from acyclome.pipeline.feedback import feedback_warnings
from acyclome.pipeline.keys import Key, Stage
from acyclome.pipeline.records import Record

INPUT_FACTS = {"n_obs": "n_obs_input", "n_vars": "n_vars_input", "matrix": "matrix", "kind": "kind"}
PACKAGES = ("numpy", "scipy", "numba", "torch", "pandas", "anndata", "scanpy", "h5py")  # on which numbers depend
NOT_OF_THE_ORDER = {"cost", "sortability", "effects", "feedback", "relaxation"}  # which stand elsewhere in the record


def run_record(
    network: Network, data: Dataset, config: Config, *, about: Mapping[str, Any], done: Mapping[Key, Record]
) -> dict[str, Any]:
    """Put together what is known of a run: what was asked for, the command and cost of ``prepare``, and all stages."""
    store, facts = data.store.facts, {key: record.facts for key, record in done.items()}
    order = facts[Key(Stage.ORDER)]
    fit = facts[Key(Stage.FIT)] | order.get("relaxation", {})  # which the order stage runs where it decides
    costs = {"prepare": about.get("cost", {}), **{key.name: value.get("cost", {}) for key, value in facts.items()}}
    effects = order.get("effects", [])
    warnings = [*store.get("warnings", []), *data.warnings, *fit.get("warnings", []), *effects_warnings(effects)]
    warnings += [*_of_edges(network, order), *facts[Key(Stage.CONFOUNDING)].get("warnings", [])]
    chosen, checked = (dict(facts.get(Key(stage), {})) for stage in (Stage.CHOOSE, Stage.VALIDATION))
    warnings += [*chosen.pop("warnings", []), *checked.pop("warnings", [])]
    edges = [count for key, part in facts.items() if key.stage is Stage.RESAMPLE for count in part["edges"]]
    return {
        "status": "done",
        "version": __version__,
        "command": about["command"],
        "config": config.model_dump(mode="json"),
        "model": {"name": config.model, **_without_cost(chosen), **_amounts(data)},
        "seed": config.seed,
        "input": {
            **about["input"],
            **{name: store[fact] for name, fact in INPUT_FACTS.items() if fact in store},
            "group": config.input.group,
            "prepared_digest": data.store.digest,
        },
        "prepare": {
            "steps": store.get("steps", []),
            "n_obs": data.n_obs,
            "n_vars": data.n_genes,
            "n_effective": data.n_effective,
        },
        "stages": {name: dict(cost) for name, cost in sorted(costs.items())},
        "confounding": _without_cost(facts[Key(Stage.CONFOUNDING)]),
        "screen": _without_cost(facts[Key(Stage.SCREEN)]),
        "fit": {name: value for name, value in fit.items() if name not in ("cost", "warnings")},
        "order": {name: value for name, value in order.items() if name not in NOT_OF_THE_ORDER},
        "perturbation": {**data.perturbation, "effects": effects} if data.perturbation else None,
        **_checks(network, facts),
        "resample": {
            "resamples": config.resample.resamples,
            "fraction": config.resample.fraction,
            "mean_edges": sum(edges) / len(edges) if edges else None,
        },
        "network": _network_facts(network),
        "sortability": order["sortability"],
        "validation": _without_cost(checked),
        "versions": {"python": platform.python_version(), "acyclome": __version__, **_versions()},
        "warnings": list(dict.fromkeys(warnings)),  # each once, though stages or shards may say the same
    }


def _of_edges(network: Network, order: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of circles, which a network does not have, and of signs that it does not keep to."""
    return [*feedback_warnings(order), *sign_warnings(network.edges)]


def _amounts(data: Dataset) -> dict[str, Any]:
    """Return which genes the model learned from by their logarithms, if any."""
    return {"amounts": {"number": len(data.amounts), "genes": [*data.amounts]}} if data.amounts else {}


def _checks(network: Network, facts: Mapping[Key, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what targets say of predictions, of how well they are found again, and of feedback among them."""
    found = facts.get(Key(Stage.HELD_OUT), {}).get("identification", {})
    feedback = facts[Key(Stage.ORDER)].get("feedback", {})
    return {"prediction": network.screen.summary(), "identification": found, "feedback": feedback}


def _network_facts(network: Network) -> dict[str, Any]:
    return {
        "n_genes": len(network.genes),
        "n_edges": network.n_edges,
        "is_dag": network.is_dag,
        "reversible_share": float(network.edges["reversible"].mean()) if network.n_edges else None,
        "oriented_by_intervention_share": float(network.edges["oriented_by_intervention"].mean())
        if network.n_edges
        else None,
    }


def _without_cost(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != "cost"}


@cache  # of one process all runs have the same, and each look-up reads files
def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
