"""Files: expression matrices, the gene-major store, run folders and network formats."""
