"""Measurements: a seeded generator, the peer to compare with, and one table of figures. Nothing here is installed."""
