"""From a matrix as it lies in a file to the matrix that is learned from: every step recorded, none silent."""

from acyclome.prepare.selection import list_groups
from acyclome.prepare.steps import Prepared, prepare, prepare_to_store, prepared_size, write_prepared

__all__ = ["Prepared", "list_groups", "prepare", "prepare_to_store", "prepared_size", "write_prepared"]
