"""Where customers come from: the words of ``imports.source`` and of settings sections."""

CSV = "csv"
QUICKBOOKS, XERO = "quickbooks", "xero"

PROVIDERS: tuple[str, ...] = (QUICKBOOKS, XERO)
"""Sources that are pulled over a connection, not read from a file."""

LABELS: dict[str, str] = {CSV: "CSV", QUICKBOOKS: "QuickBooks Online", XERO: "Xero"}
"""How people call them."""
