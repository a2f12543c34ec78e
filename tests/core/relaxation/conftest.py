"""Makes the toy model importable as ``relaxation_toy``."""

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("relaxation_toy", Path(__file__).with_name("toy.py"))
sys.modules["relaxation_toy"] = module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(module)
