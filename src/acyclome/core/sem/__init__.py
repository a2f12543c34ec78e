"""Structural models: one a file, all behind the contract of :mod:`acyclome.core.solve`."""
