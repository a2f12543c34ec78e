"""The options of models polynomial, sobolev and spline."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from acyclome.options.sections import Section


class Curves(Section):
    """The models polynomial, sobolev and spline: curves of what, in how many terms."""

    of: Literal["causes", "index", "indices"] = "causes"
    """What curves are of. causes: a sum of one each (additive). index: one curve of a weighted sum of all causes.
    indices: a sum of such curves (multiple index), for causes that act together; twenty times the cost."""
    functions: int = Field(default=3, ge=2, le=16)
    """Most curves of weighted sums (curves.of: indices). As many are taken as improve the score."""

    degree: int = Field(default=3, ge=1, le=9)
    """Highest degree of model polynomial; each gene takes the one that suits. High degrees chase outliers."""
    cosines: int = Field(default=8, ge=2, le=32)
    """Terms of model sobolev, a line and cosines. More follow curves that bend more often, at more time."""
    bsplines: int = Field(default=8, ge=4, le=32)
    """Terms of model spline, a line and combinations of B-splines. More bend more often, at more time."""
