"""The model lingam: lines, with noise that need not be Gaussian."""
