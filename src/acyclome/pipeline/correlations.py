"""The correlations of a run, made once: the first stage that asks leaves them in the folder for those after it."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np

from acyclome._version import __version__
from acyclome.core.backend import Backend
from acyclome.core.data.moments import WHOLE_GENES, Moments, with_correlations
from acyclome.errors import InputError
from acyclome.io.digested import fingerprint
from acyclome.io.symmetric import read_symmetric, write_symmetric
from acyclome.pipeline.dataset import Dataset

logger = logging.getLogger(__name__)
# Multiplications of all pairs of genes below which nothing is kept: a second of dense products.  From a few hundred
# observations on, reading and checking are the quicker: 2e-9 s a pair, where each observation takes 1e-11.
LEAST = 1e11
ROOM = 4  # times their size that the disk has to have left, so that what a run cannot do without has room


def moments_of(
    data: Dataset, bare: Moments, backend: Backend, *, scratch: Path | None = None, kept: Path | None = None
) -> Moments:
    """Return the scaled genes with all correlations: those of the file ``kept``, where they are of these very data.

    Where they are not, they are formed, and left there.  None keeps nothing; nor is kept what is formed within a
    second, of other values than those of the genes (latent scores, scales of a model), or on a card, whose bits are its
    own.
    """
    if kept is None or not _is_worth_it(data, backend):
        return data.correlate(bare, backend, scratch)
    key = _made_of(data)
    R = read_symmetric(kept, key, size=data.n_genes, dtype=bare.dtype)
    if R is not None:
        return with_correlations(bare, R)
    found = data.correlate(bare, backend, scratch)
    assert found.R is not None, "so few genes are correlated"
    _keep(kept, found.R, key)
    return found


def _is_worth_it(data: Dataset, backend: Backend) -> bool:
    d, n = float(data.n_genes), float(data.n_obs)
    is_other = data.is_latent or data.marginal_map is not None or backend.device != "cpu"
    return d <= WHOLE_GENES and d * d * n >= LEAST and not is_other


def _made_of(data: Dataset) -> str:
    done, hidden = data.interventions, data.deconfounding
    values = (data.store.digest, list(data.amounts), *(() if data.size is None else (data.size,)))
    taken = (hidden.trims, hidden.scores, hidden.regulators, hidden.activity)
    return fingerprint(__version__, *values, done.indptr, done.row, *taken)


def _keep(path: Path, R: np.ndarray, key: str) -> None:
    """Write the correlations, unless the disk has not much room; a run that cannot keep them goes on without."""
    try:
        if shutil.disk_usage(path.parent).free > ROOM * R.nbytes / 2:
            write_symmetric(path, R, key)
    except (InputError, OSError) as error:
        logger.warning("%s Correlations of genes are not kept; every stage makes them anew.", error)
