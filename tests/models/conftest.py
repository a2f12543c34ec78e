"""Makes the table of families importable as ``family_cases``."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("family_cases", Path(__file__).with_name("cases.py"))
sys.modules["family_cases"] = module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(module)
