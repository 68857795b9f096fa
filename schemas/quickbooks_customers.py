"""The contract of QuickBooks Online's customers as they come, open to fields that Intuit adds."""

from schemas.provider_records import ADDRESS, MAPPED_COLUMNS, RecordShape

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
        "Notes",
        "PrintOnCheckName",
    ),
    flags=("Job", "IsProject", "Active"),
    objects={
        "PrimaryEmailAddr": ("Address",),
        "PrimaryPhone": ("FreeFormNumber",),
        "AlternatePhone": ("FreeFormNumber",),
        "Mobile": ("FreeFormNumber",),
        "BillAddr": _ADDRESS,
        "ShipAddr": _ADDRESS,
        "Fax": ("FreeFormNumber",),
        "WebAddr": ("URI",),
        "SalesTermRef": ("name",),
        "CustomerTypeRef": ("name",),
        "ParentRef": ("value",),
        "MetaData": ("CreateTime", "LastUpdatedTime"),
    },
)
"""Customer of Intuit's Accounting API, minor version 75."""

ALWAYS_READ = ("Id", "DisplayName", "FullyQualifiedName", "Job", "IsProject", "Active", "ParentRef", "MetaData")
"""Fields that say which customer it is and whether it is one of ours, whatever a mapping says."""

ADDRESSES = ("BillAddr", "ShipAddr")
_NOT_MAPPED = (*(f"{name}." for name in ADDRESSES), "ParentRef.", "MetaData.LastUpdatedTime")

MAPPABLE: dict[str, tuple[str, ...]] = {
    **{name: MAPPED_COLUMNS for name in QUICKBOOKS_CUSTOMERS.flat_texts if not name.startswith(_NOT_MAPPED)},
    **dict.fromkeys(ADDRESSES, (ADDRESS,)),
}
"""What a mapping may name, and which columns each field may become, custom fields besides."""
