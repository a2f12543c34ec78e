"""Any smooth function of the causes: NOTEARS-MLP and Gaussian processes."""
