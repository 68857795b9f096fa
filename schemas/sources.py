"""Where customers come from: the words of ``imports.source`` and of settings sections."""

CSV = "csv"
QUICKBOOKS, XERO = "quickbooks", "xero"

PROVIDERS: tuple[str, ...] = (QUICKBOOKS, XERO)
"""Sources that are pulled over a connection, not read from a file."""

LABELS: dict[str, str] = {CSV: "CSV", QUICKBOOKS: "QuickBooks Online", XERO: "Xero"}
"""How people call them."""

FIRST_STAGES: dict[str, str] = {
    CSV: "raw_csv",
    QUICKBOOKS: "quickbooks_customers",
    XERO: "xero_customers",
}
"""Of each source the stage, and so the asset, that its imports begin with."""
