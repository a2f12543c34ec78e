"""Graphs alone: equivalence classes, reachability, feedback arcs."""
