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
    from torch.nn.functional import leaky_relu

    bias = layers["bias"][..., None]
    units = leaky_relu(layers["W"] @ X + bias[:, 0], LEAK)
    for level in range(layers["inner"].shape[1]):
        units = leaky_relu(layers["inner"][:, level] @ units + bias[:, level + 1], LEAK)
    return layers["out"] @ units + layers["shift"][..., None]


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
    found = outputs(layers, X)
    square = (y - found[:, 0]).square()
    if found.shape[1] == 1:
        return 0.5 * (square.mean(dim=1) + LEAST_VARIANCE).log()
    log_variance = WIDEST * (found[:, 1] / WIDEST).tanh()
    return 0.5 * (log_variance + (square + LEAST_VARIANCE) * (-log_variance).exp() - 1.0).mean(dim=1)
