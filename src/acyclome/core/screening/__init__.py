"""Candidate causes of every gene."""
