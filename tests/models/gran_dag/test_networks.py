"""Networks a gene: their slopes."""

import numpy as np
import pytest

from acyclome.models.gran_dag import networks

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("shape", [(5, 1, 1), (4, 2, 1), (3, 3, 2)], ids=str)
def test_slopes_are_those_of_the_losses(shape):
    (hidden, depth, outputs), rng, g, k, n = shape, np.random.default_rng([76, 9]), 3, 4, 30

    def drawn(*size):
        return torch.as_tensor(rng.standard_normal(size)).requires_grad_()

    layers = {"W": drawn(g, hidden, k), "bias": drawn(g, depth, hidden), "inner": drawn(g, depth - 1, hidden, hidden)}
    layers |= {"out": drawn(g, outputs, hidden), "shift": drawn(g, outputs)}
    X, y = drawn(g, k, n).detach(), drawn(g, n).detach()
    expected = networks.losses(layers, X, y)
    slopes = torch.autograd.grad(expected.sum(), list(layers.values()), materialize_grads=True)
    with torch.no_grad():
        loss, found = networks.losses_and_slopes(layers, X, y, space=networks.workspace(layers, n))
    np.testing.assert_allclose(loss, expected.detach(), rtol=1e-12)
    for name, slope in zip(layers, slopes, strict=True):
        np.testing.assert_allclose(found[name], slope, rtol=1e-10, atol=1e-12)
