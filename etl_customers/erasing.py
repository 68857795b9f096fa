"""Erasing a person: from the target and from every file of the home."""
