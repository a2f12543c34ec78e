"""Whole files of every kind that is read, damaged at random, and what reading them ends in."""
