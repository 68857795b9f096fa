"""The engine: plain functions that read, validate, deduplicate, load and report customers.

Never imports Dagster; only ``etl_customers.cli``, the roof, may start it through ``assets``.
"""
