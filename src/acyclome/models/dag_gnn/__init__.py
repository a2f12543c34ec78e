"""Lines between hidden genes that are seen through curves: DAG-GNN."""
