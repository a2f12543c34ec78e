"""Counts by their own law."""
