"""GraN-DAG: a network a gene, and edges by the paths that lead through it."""
