"""Structural models whose graph a climb over DAGs decides: one contract, one file per family."""
