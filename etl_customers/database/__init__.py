"""The target database: its tables, the ledger of imports, and the customers in it."""
