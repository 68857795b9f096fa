"""Dagster on this machine: its home, runs without a process, partitions, resources."""
