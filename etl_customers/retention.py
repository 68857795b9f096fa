"""Retention: deleting what is kept for a set time only."""
