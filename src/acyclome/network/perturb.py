"""What the treatments of a screen would do: those seen, those of one new target, and new combinations of targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from acyclome.core.effects.stacking import Stack
from acyclome.core.effects.total import responses
from acyclome.errors import InputError
from acyclome.network.asked import check_interval
from acyclome.network.predict import as_table, networks
from acyclome.network.screen import LARGER, MEAN, NETWORK, PAIR, SHRUNKEN, SINGLE, SUM, Answer, Screen, basis_of
from acyclome.wording import plural

if TYPE_CHECKING:
    from acyclome.network import Network


def perturb(network: Network, asked: list[str], *, beside: list[str], interval: float) -> pd.DataFrame:
    """Predict what acting on all ``asked`` at once does, in the way and as far as the screen acts on its own.

    Nothing may be set, shifted or knocked out ``beside`` them.
    """
    if beside:
        msg = "perturb goes alone: it acts as the screen does, set, shift and knockout as they say."
        raise InputError(msg)
    screen, symbols = network.screen, set(network.symbols.values())
    targets = [network.find(name) if name in symbols else name for name in asked]
    check_interval(interval)
    _check(screen, targets)
    found, check = _answer(network, targets)
    d = len(network.genes)
    acted = np.array([screen.position[name] for name in targets if name in screen.position], np.int64)
    bounds = {name: np.full(d, np.nan) for name in ("low", "high", "agreement")}
    scale = screen.stacks.get(SINGLE) if check is None else check  # of what is measured or not checked, to have one
    if scale is not None:
        width = scale.half_width(interval, spread=found.spread, error=screen.error)
        bounds |= {"low": found.change - width, "high": found.change + width}
    table = as_table(network, found.change, bounds, acted=acted, basis=found.basis, check=check)
    known = screen.position.keys() | {name for names in screen.names for name in names}
    table.attrs["strange"] = [name for name in targets if name not in known]  # each is any other target, if no slip
    return table


def _answer(network: Network, targets: list[str]) -> tuple[Answer, Stack | None]:
    """Return the answer, and what it was checked by; None where that is nothing."""
    screen, wanted = network.screen, frozenset(targets)
    if wanted in screen.place:
        return screen.measured(screen.place[wanted]), None
    if len(targets) == 1:
        return _single(network, targets[0])
    check = screen.stacks.get(PAIR)
    if check is not None and len(targets) == 2 and all(frozenset([name]) in screen.place for name in targets):
        raw, added, larger = screen.both_of(*sorted(targets))
        answers = {MEAN: screen.mean_of_pairs, SUM: raw, SHRUNKEN: added, LARGER: larger}
        return Answer(check.answer(answers), check.spread, basis_of(check)), check
    parts = [_answer(network, [name])[0] for name in targets]
    spread = np.sqrt(np.sum([part.spread**2 for part in parts], axis=0))
    change = np.sum([part.change for part in parts], axis=0)
    return Answer(change, spread, "sum of the single ones, not checked"), None


def _single(network: Network, target: str) -> tuple[Answer, Stack | None]:
    screen, gene = network.screen, network.screen.position.get(target)
    check = screen.foreseen(is_measured=gene is not None)
    if check is None:
        msg = (
            f"{target} was not acted on in the data, and "
            f"{plural(len(screen.singles), 'target|s that was|were is|are')} too few to tell what others do. Ask the "
            "network: set, shift or knock the gene out."
        )
        raise InputError(msg)
    answers = {MEAN: screen.mean}
    if check.weight.get(NETWORK) and gene is not None:
        at = np.array([gene])
        said = [
            responses(source, target_, weight, order=order, genes=at)[0]
            for source, target_, weight, order in networks(network)
        ]
        answers[NETWORK] = screen.dose[gene] * np.mean(said, axis=0)
    return Answer(check.answer(answers), check.spread, basis_of(check)), check


def _check(screen: Screen, targets: list[str]) -> None:
    if not len(screen):
        msg = (
            "These data have no treatments (input.perturbation), so there is none to compare with. Use knockout or set."
        )
        raise InputError(msg)
    for name in targets:
        if targets.count(name) > 1:
            msg = f"{name} stands among the targets more than once; name each once."
            raise InputError(msg)
