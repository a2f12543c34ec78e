"""Smooth measures of cyclicity: one contract, six forms.

On candidate edges with numpy and threads, on networks side by side with torch; each form also has
``dense_value_and_gradient(A) -> (h, dh/dA)`` for batches of matrices, ``(*batch, d, d)``.  Nothing is ever added to
``A``.  None of these is a certificate, the order is; every class says what it cannot see.
"""

from acyclome.core.acyclicity.contract import Acyclicity
from acyclome.core.acyclicity.logdet import LogDet
from acyclome.core.acyclicity.low_rank import LowRank
from acyclome.core.acyclicity.powers import Polynomial, TraceExp
from acyclome.core.acyclicity.series import Series
from acyclome.core.acyclicity.spectral import SpectralRadius

__all__ = [
    "Acyclicity",
    "LogDet",
    "LowRank",
    "Polynomial",
    "Series",
    "SpectralRadius",
    "TraceExp",
]
