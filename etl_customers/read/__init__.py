"""Reading uploads: storing them safely, matching headers, rows into staging, passwords, splitting.

What is in a cell is not judged here; that is the validate stage.
"""
