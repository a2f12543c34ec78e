"""Cells of SERGIO's networks at steady state, by its published equations (Dibaeinia and Sinha 2020), written anew.

    dx_j = (P_j - l x_j) dt + q (sqrt(P_j) dW + sqrt(l x_j) dV),      P_j = b_jc + sum_i K_ij h_i(x_i)
    h_i(x) = x^2 / (H_i^2 + x^2) for activators,  1 - h_i(x) for repressors

with the edges, rates ``K``, and master regulators' rates ``b`` of every cell type ``c`` from the files of SERGIO.  What
is simpler here: every cell has a path of its own, from the steady state without noise, of which the last point is
taken; and the half response ``H`` is the mean over types of that steady state, not of simulated cells.  Where a gene is
knocked down, its production ``P`` is a share of what it would be.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

DATA_SETS = {"DS1": "cID_4", "DS2": "cID_5", "DS3": "cID_6"}
DECAY, NOISE = 0.8, 1.0  # of SERGIO's examples
STEP, STEPS = 0.05, 240  # twelve units of time, in which all but e^-9.6 of the start is forgotten
TYPES = 9


@dataclass(frozen=True)
class Cells:
    """Expression, observations x genes, the activity of the regulators, and the edges."""

    X: np.ndarray  # (n, d)
    regulators: np.ndarray  # (r,)
    activity: np.ndarray  # (n, r) what targets have felt: the response to the regulator's past, forgotten as they decay
    source: np.ndarray  # (m,)
    target: np.ndarray  # (m,)


@dataclass(frozen=True)
class _Network:
    source: np.ndarray
    target: np.ndarray
    rate: np.ndarray  # (m,) negative for repressors
    basal: np.ndarray  # (d, types) production of master regulators


def files(name: str) -> tuple[str, str]:
    """Return the files of edges and of master regulators."""
    return f"sergio/{name}_Interaction_{DATA_SETS[name]}.txt", f"sergio/{name}_Regs_{DATA_SETS[name]}.txt"


def sergio(data: Path, name: str, *, cells: int, seed: int) -> Cells:
    """Draw so many cells of each of nine types; columns are dealt out at random."""
    net, rng = _read(*(data / file for file in files(name))), np.random.default_rng([0x5E6, int(name[-1]), seed])
    kind = np.repeat(np.arange(TYPES), cells)
    x, felt = _paths(net, kind, rng, made=np.ones(1))
    return _dealt(net, x, felt, rng)


def screen(data: Path, name: str, *, cells: int, controls: int, left: float, seed: int) -> tuple[Cells, np.ndarray]:
    """Draw ``cells`` in which each regulator makes a share of its transcripts that is ``left``, and controls.

    Cells of every target are of all nine types in turn.  Returned is the target of each cell, too, -1 of controls.
    """
    net, rng = _read(*(data / file for file in files(name))), np.random.default_rng([0x5E7, int(name[-1]), seed])
    acted = np.append(np.full(controls, -1), np.repeat(np.unique(net.source), cells))
    made = np.ones((len(net.basal), len(acted)))
    hit = np.flatnonzero(acted >= 0)
    made[acted[hit], hit] = left
    x, felt = _paths(net, np.arange(len(acted)) % TYPES, rng, made=made)
    found = _dealt(net, x, felt, rng)
    place = np.empty(len(x), np.int64)
    place[np.unique(net.source)] = found.regulators
    return found, np.where(acted < 0, -1, place[np.maximum(acted, 0)])


def _paths(
    net: _Network, kind: np.ndarray, rng: np.random.Generator, *, made: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return expression at the end of a path of every cell, ``(d, n)``, and what of the regulators was felt.

    ``made`` is the share of its production that each gene has in each cell.
    """
    d = len(net.basal)
    steady, half = _steady(net)
    x, basal = steady[:, kind].copy(), net.basal[:, kind]
    regulators = np.unique(net.source)
    squared = np.maximum(half[regulators, None], 1e-9) ** 2
    of = sparse.csr_matrix((net.rate, (net.target, np.searchsorted(regulators, net.source))))
    of.resize(d, len(regulators))
    repressed = -of.minimum(0).sum(axis=1).A1[:, None]
    felt = _response(x[regulators], squared) / DECAY
    for _ in range(STEPS):
        response = _response(x[regulators], squared)
        production = (basal + repressed + of @ response) * made
        noise = NOISE * np.sqrt(STEP * (production + DECAY * x)) * rng.standard_normal(x.shape)
        x = np.maximum(x + STEP * (production - DECAY * x) + noise, 0.0)
        felt += STEP * (response - DECAY * felt)
    return x, felt


def _dealt(net: _Network, x: np.ndarray, felt: np.ndarray, rng: np.random.Generator) -> Cells:
    """Deal out the columns."""
    place = rng.permutation(len(x))
    X = np.empty(x.shape[::-1])
    X[:, place] = x.T
    return Cells(X, place[np.unique(net.source)], felt.T, place[net.source], place[net.target])


def _response(x: np.ndarray, squared: np.ndarray) -> np.ndarray:
    response: np.ndarray = x**2 / (squared + x**2)
    return response


def _read(edges: Path, masters: Path) -> _Network:
    """Read lines of target, number of regulators, these, their rates and their Hill coefficients, which are all 2."""
    rows = []
    for line in edges.read_text().split():
        values = [float(value) for value in line.split(",")]
        k = int(values[1])
        rows += [(values[2 + i], values[0], values[2 + k + i]) for i in range(k)]
    source, target, rate = np.array(rows).T
    rates = np.array([[float(value) for value in line.split(",")] for line in masters.read_text().split()])
    basal = np.zeros((int(max(source.max(), target.max(), rates[:, 0].max())) + 1, TYPES))
    basal[rates[:, 0].astype(int)] = rates[:, 1 : TYPES + 1]
    return _Network(source.astype(int), target.astype(int), rate, basal)


def _steady(net: _Network) -> tuple[np.ndarray, np.ndarray]:
    """Return the steady state of every type without noise, ``(d, types)``, and half responses, ``(d,)``."""
    steady = net.basal / DECAY
    for _ in range(len(steady)):  # longest path at most; the networks have no cycles
        half = steady.mean(axis=1)
        response = steady[net.source] ** 2 / np.maximum(half[net.source, None], 1e-9) ** 2
        response = response / (1.0 + response)
        made = np.where(net.rate[:, None] > 0, response, 1.0 - response) * np.abs(net.rate)[:, None]
        new = net.basal.copy()
        np.add.at(new, net.target, made)
        if np.allclose(new / DECAY, steady, rtol=1e-12):
            break
        steady = new / DECAY
    return steady, steady.mean(axis=1)
