"""The load by dlt from dictionaries."""
