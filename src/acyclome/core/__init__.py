"""The engine: arrays in, arrays out; runs where only numpy, scipy, numba and torch are installed."""
