"""Makes the table of forms importable as ``acyclicity_cases``."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("acyclicity_cases", Path(__file__).with_name("cases.py"))
sys.modules["acyclicity_cases"] = module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(module)
