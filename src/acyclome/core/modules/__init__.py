"""Modules: activities of many genes each, the graph among them, and the genes that act on them."""
