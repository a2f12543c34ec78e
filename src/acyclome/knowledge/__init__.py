"""What is known beforehand: regulators, edges, tiers, interventions."""
