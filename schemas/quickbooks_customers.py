"""The contract of QuickBooks Online's customers as they come, open to fields that Intuit adds."""

from schemas.provider_records import RecordShape

_ADDRESS = (
    "Line1",
    "Line2",
    "Line3",
    "Line4",
    "Line5",
    "City",
    "CountrySubDivisionCode",
    "PostalCode",
    "Country",
)

QUICKBOOKS_CUSTOMERS = RecordShape(
    name="quickbooks_customers",
    identity="Id",
    references=("ParentRef.value",),
    texts=(
        "DisplayName",
        "FullyQualifiedName",
        "Title",
        "GivenName",
        "MiddleName",
        "FamilyName",
        "Suffix",
        "CompanyName",
    ),
    flags=("Job", "IsProject", "Active"),
    objects={
        "PrimaryEmailAddr": ("Address",),
        "PrimaryPhone": ("FreeFormNumber",),
        "AlternatePhone": ("FreeFormNumber",),
        "Mobile": ("FreeFormNumber",),
        "BillAddr": _ADDRESS,
        "ShipAddr": _ADDRESS,
        "ParentRef": ("value",),
        "MetaData": ("CreateTime", "LastUpdatedTime"),
    },
)
"""Customer of Intuit's Accounting API, minor version 75."""

FIELDS: tuple[str, ...] = QUICKBOOKS_CUSTOMERS.fields
"""What is kept of a customer: nothing else of the books enters staging."""
