"""Structural models, one room each; the core knows none of them."""
