"""The contract of QuickBooks Online's customers as they come, open to fields that Intuit adds."""

FIELDS: tuple[str, ...] = (
    "Id",
    "DisplayName",
    "Title",
    "GivenName",
    "MiddleName",
    "FamilyName",
    "Suffix",
    "CompanyName",
    "PrimaryEmailAddr",
    "PrimaryPhone",
    "AlternatePhone",
    "Mobile",
    "BillAddr",
    "ShipAddr",
    "Job",
    "IsProject",
    "ParentRef",
    "Active",
    "MetaData",
)
"""What is kept of a customer: nothing else of the books enters staging."""
