"""The network of a gene, for many genes in one tensor: its outputs, its paths, its likelihood.

All of it is per gene: nothing of one depends on what stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from acyclome.models.held_out import LEAST_VARIANCE

if TYPE_CHECKING:
    from torch import Tensor

LEAK = 0.01  # slope of a unit below zero, as in the program of the paper
WIDEST = 6.0  # log variance either way of that of the gene: e^-6 and e^6 are beyond any noise that could be told

Layers = Mapping[str, "Tensor"]
"""Of ``g`` genes with ``k`` candidates: ``W`` ``(g, hidden, k)`` and ``bias`` ``(g, layers, hidden)``; ``inner`` ``(g,
layers - 1, hidden, hidden)``; ``out`` ``(g, outputs, hidden)`` and ``shift`` ``(g, outputs)``."""


def outputs(layers: Layers, X: Tensor) -> Tensor:
    """Return the mean of every gene and, if there is a second output, its log variance, ``(g, outputs, n)``."""
    return layers["out"] @ _units(layers, X, None)[-1] + layers["shift"][..., None]


def _units(layers: Layers, X: Tensor, into: Tensor | None) -> list[Tensor]:
    """Return the units of every layer, ``(g, hidden, n)`` each, in ``into`` or in memory of their own."""
    import torch
    from torch.nn.functional import leaky_relu

    found: list[Tensor] = []
    for level in range(layers["bias"].shape[1]):
        weight, below = (layers["inner"][:, level - 1], found[-1]) if level else (layers["W"], X)
        reached = torch.bmm(weight, below, out=None if into is None else into[level])
        reached += layers["bias"][:, level, :, None]
        found.append(leaky_relu(reached, LEAK, inplace=True))
    return found


def paths(layers: Layers) -> Tensor:
    """Return the sum over all paths from a unit of the first layer to an output, ``(g, hidden)``.

    A path weighs the product of the sizes of its weights, so that with those of the first layer it is the connectivity
    of Lachapelle et al. (2020, section 3.1), here per unit of a layer.
    """
    reach = layers["out"].abs().sum(dim=1) / layers["out"].shape[2]
    for level in reversed(range(layers["inner"].shape[1])):
        reach = (reach[:, None] @ layers["inner"][:, level].abs())[:, 0]
    return reach


def losses(layers: Layers, X: Tensor, y: Tensor) -> Tensor:
    """Return minus the mean log-likelihood of every gene over that of no parents, ``(g,)``, in nats.

    With one output the variance of the noise is at its optimum, ``1/2 log mean r^2``; with two it is a function.
    """
    return _loss(outputs(layers, X), y)[0]


def _loss(found: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of outputs ``found (g, outputs, n)`` and their slopes in these."""
    import torch

    residual, n = y - found[:, 0], y.shape[1]
    square = residual.square()
    if found.shape[1] == 1:
        variance = square.mean(dim=1) + LEAST_VARIANCE
        return 0.5 * variance.log(), (residual / (-n * variance[:, None]))[:, None]
    bent = (found[:, 1] / WIDEST).tanh()
    precision, square = (-WIDEST * bent).exp(), square + LEAST_VARIANCE
    slope = torch.stack([-residual * precision, 0.5 * (1.0 - square * precision) * (1.0 - bent * bent)], dim=1)
    return 0.5 * (WIDEST * bent + square * precision - 1.0).mean(dim=1), slope / n


def workspace(layers: Layers, n_obs: int) -> Tensor:
    """Return memory for :func:`losses_and_slopes`, of all units and two layers of slopes.

    Taken anew at every step, most of the time goes into pages that the system hands out and takes back.
    """
    g, n_layers, hidden = layers["bias"].shape
    return layers["bias"].new_empty(n_layers + 2, g, hidden, n_obs)


def losses_and_slopes(layers: Layers, X: Tensor, y: Tensor, *, space: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return :func:`losses` and the slope of each in the layers of its gene, back through these."""
    import torch

    units = _units(layers, X, space)
    loss, slope = _loss(layers["out"] @ units[-1] + layers["shift"][..., None], y)
    found = {"shift": slope.sum(dim=2), "out": slope @ units[-1].mT}
    bias, inner, weight = [], [], layers["out"]
    for level in reversed(range(len(units))):
        slope = torch.bmm(weight.mT, slope, out=space[-1 - level % 2])
        # Of the units nothing but their signs is asked from here on: 1 above zero, LEAK below.
        slope *= units[level].sign_().mul_(0.5 * (1.0 - LEAK)).add_(0.5 * (1.0 + LEAK))
        bias.append(slope.sum(dim=2))
        if level:
            inner.append(slope @ units[level - 1].mT)
            weight = layers["inner"][:, level - 1]
    found |= {"W": slope @ X.mT, "bias": torch.stack(bias[::-1], dim=1)}
    return loss, found | {"inner": torch.stack(inner[::-1], dim=1) if inner else torch.zeros_like(layers["inner"])}
