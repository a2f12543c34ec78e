"""Simulated data with a known truth, measures of accuracy, sortability of data, and the baselines to beat."""
