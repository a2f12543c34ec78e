"""What the core computes on: moments, candidates, constraints, interventions, expansions."""
