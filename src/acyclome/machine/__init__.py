"""The machine: memory and devices."""
