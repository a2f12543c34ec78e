"""Candidate parents of every gene."""
