"""Undoing an import: taking back what it created and restoring what it changed."""
