"""Sums of curves: polynomial, Sobolev and spline."""
