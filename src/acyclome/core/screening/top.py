"""The largest of many, without sorting the rest."""

from __future__ import annotations

import numpy as np

from acyclome.core.kernel import kernel


@kernel
def largest(values, scale, first, keep, least, out):
    """Write the ``keep`` columns of largest ``|values| * scale`` of every row into ``out``, -1 after the last.

    Only what is above ``least`` counts.

    Parameters
    ----------
    values
        ``(rows, p)``; row ``r`` is that of gene ``first + r``, whose own column never counts.
    scale
        ``(p,)`` non-negative; columns with 0 never count.
    out
        ``(rows, keep)`` int32, columns from the largest to the smallest; of equals the first goes first.
    """
    rows, p = values.shape
    top = np.empty(keep, values.dtype)
    for r in range(rows):
        n, low = 0, least
        for x in range(p):
            y = abs(values[r, x]) * scale[x]
            if y > low and x != first + r:
                at = min(n, keep - 1)
                n = min(n + 1, keep)
                while at > 0 and top[at - 1] < y:
                    top[at], out[r, at] = top[at - 1], out[r, at - 1]
                    at -= 1
                top[at], out[r, at] = y, x
                if n == keep:
                    low = top[keep - 1]
        out[r, n:] = -1
