"""Hill climbing over directed acyclic graphs with a local score."""
