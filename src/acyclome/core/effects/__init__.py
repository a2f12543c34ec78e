"""Effects of interventions: total, measured, by dose, and their differences."""
