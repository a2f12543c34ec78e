"""Structural models: one a file, all behind the contracts of :mod:`acyclome.core.problem`."""
