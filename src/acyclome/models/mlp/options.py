"""The options of model mlp."""

from __future__ import annotations

from pydantic import Field

from acyclome.options.sections import Section


class Mlp(Section):
    """The model mlp: how a gene's nonlinear function of its causes is judged."""

    splines: int = Field(default=8, ge=2, le=32)
    """Spline terms of each cause, the line among them. More follow functions that bend more often, at more time."""
    units: int = Field(default=100, ge=1, le=2000)
    """Random units that all causes of a gene share. More see causes that act only together; time grows with them."""
    hidden: int = Field(default=10, ge=1, le=1000)
    """Hidden units per gene of NOTEARS-MLP. Memory and time of the relaxation grow with it."""
    steps: int = Field(default=5, ge=1, le=10_000)
    """Gradient steps of NOTEARS-MLP between two evaluations of acyclicity. More fit closer, at more time."""
