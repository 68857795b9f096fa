"""``etl-customers ui``: the processes of the Dagster UI, and the guard before its web application."""
