"""Search over orders of the genes on sufficient statistics."""
