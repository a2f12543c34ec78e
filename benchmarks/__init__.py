"""Measurements: how accurate, how fast, beside which baselines. Start one with ``python -m benchmarks.NAME``."""
