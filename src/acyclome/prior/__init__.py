"""What is known of edges beforehand: forbidden, required, soft, signed and known edges, and tiers of genes.

Tables with names become rules of the core.  Everything is checked before anything is fitted: names that are not among
the genes are counted, and rules that contradict one another are an error that shows the smallest set that does.
"""

from acyclome.prior.build import Prior, make_prior, prior_of
from acyclome.prior.shared import Shared
from acyclome.prior.tables import read_prior, read_tiers

__all__ = ["Prior", "Shared", "make_prior", "prior_of", "read_prior", "read_tiers"]
