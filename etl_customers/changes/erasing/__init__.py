"""Erasing a person: from the home's files first, from the target last, with the counts kept true."""
