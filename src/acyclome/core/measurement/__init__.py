"""Networks of genes that are measured with an error of known size: their likelihood, and searches by it."""
