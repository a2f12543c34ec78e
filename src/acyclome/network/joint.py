"""Networks of groups that were learned together."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from acyclome.network.network import Network


class JointNetworks(dict[str, Network]):
    """Networks by label, with the one they share and the table of differences.

    Parameters
    ----------
    shared
        What is learned from all groups.
    differential
        One row per edge of any network, most different first: ``source``, ``target``, ``shared`` (whether it is in the
        shared network), ``weight_LABEL`` and ``error_LABEL`` (in standard deviations within groups, the same units in
        all), ``difference`` (largest less smallest), ``z``, ``p`` and ``q``, the share of false discoveries down to the
        row.
    """

    def __init__(self, networks: Mapping[str, Network], shared: Network, differential: pd.DataFrame) -> None:
        super().__init__(networks)
        self.shared, self.differential = shared, differential
