"""Finding the rows that must not be loaded because their customer is already there (R16 to R18)."""
