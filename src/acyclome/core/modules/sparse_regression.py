"""Forward selection of a few regressors for many targets at once, under the extended BIC."""

from __future__ import annotations

import numpy as np

MOST = 6  # modules of a gene; chosen by eye, to bound the time
LEAST_LEFT = 1e-3  # of a variance: a gene that modules explain wholly would gain without bound
RIDGE = 1e-6  # so that copies among regressors have one solution


def select(cross: np.ndarray, gram: np.ndarray, price: np.ndarray, *, n_obs: float) -> np.ndarray:
    """Return coefficients ``(d, K)`` of standardized targets on standardized regressors, most of them zero.

    In every step each target takes the regressor with the largest gain beyond its price (orthogonal matching pursuit)
    as long as ``n/2 log(rss / rss')`` pays.

    Parameters
    ----------
    cross, gram
        Correlations of targets with regressors ``(d, K)``, and of those with one another ``(K, K)``.
    price
        Nats that each coefficient costs, ``(d, K)`` or what broadcasts to it; infinite where there is to be none.
    """
    d, K = cross.shape
    price = np.broadcast_to(price, (d, K))
    out, left, taken = np.zeros((d, K)), np.ones(d), np.empty((d, 0), np.int64)
    rest, active = cross.copy(), np.arange(d)
    for _ in range(min(MOST, K)):
        # What a regressor would gain alone; the exact gain, with those before it fitted anew, is checked below.
        alone = -n_obs / 2 * np.log(np.maximum(1.0 - rest[active] ** 2 / left[active, None], LEAST_LEFT))
        worth = np.where(out[active] == 0, alone - price[active], -np.inf)
        best = worth.argmax(axis=1)
        chosen = np.column_stack([taken[active], best])
        given = np.take_along_axis(cross[active], chosen, axis=1)
        inside = gram[chosen[:, :, None], chosen[:, None, :]] + RIDGE * np.eye(chosen.shape[1])
        b = np.linalg.solve(inside, given[:, :, None])[:, :, 0]
        new = np.maximum(1.0 - np.sum(b * given, axis=1), LEAST_LEFT)
        pays = n_obs / 2 * np.log(left[active] / new) > price[active, best]
        active, chosen, b = active[pays], chosen[pays], b[pays]
        if not len(active):
            break
        grown = np.zeros((d, chosen.shape[1]), np.int64)
        grown[active] = chosen
        taken, left[active] = grown, new[pays]
        out[active[:, None], chosen] = b
        rest[active] = cross[active] - out[active] @ gram
    return out
