"""The linear Gaussian model."""
