"""Data shipped with the package and how it was derived; see README.md of this folder."""
