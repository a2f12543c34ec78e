"""Smooth measures of cyclicity: one contract, six forms.

``value_and_gradient(A, candidates, threads) -> (h, omega)`` with ``A >= 0`` on the candidate edges and
``omega = dh/dA`` on the whole pattern, zeros included: an absent edge that would close a cycle has ``omega > 0``.
``dense_value_and_gradient`` is the same for batches of whole matrices.  Nothing is ever added to ``A``.
None of these is a certificate, the order is; ``misses`` says what a form cannot see.
"""

from acyclome.core.acyclicity.contract import Acyclicity
from acyclome.core.acyclicity.factors import factor_value_and_gradients, square_factors
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
    "factor_value_and_gradients",
    "square_factors",
]
