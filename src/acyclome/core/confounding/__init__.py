"""Hidden common causes: factors that are found beside the graph, by the score that chooses its edges."""
