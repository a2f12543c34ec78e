"""Resamples, calibrated probabilities, and the ranking of all pairs."""
