"""Alerts: telling a webhook or a log that an import failed, without any personal data."""
