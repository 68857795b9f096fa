"""The Dagster face of the engine: assets, checks, jobs, definitions, and starting them. Thin."""
