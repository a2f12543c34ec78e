"""What the data say of the direction of each edge."""
