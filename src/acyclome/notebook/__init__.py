"""How the package speaks in Python: progress, warnings and refusals, in the words of a notebook."""

from acyclome.notebook.settings import settings
from acyclome.notebook.words import in_python, speaks_python, tell

__all__ = ["in_python", "settings", "speaks_python", "tell"]
