"""The contract of Xero's contacts as they come, open to fields and words that Xero adds."""

from schemas.provider_records import ADDRESS, RecordShape

XERO_CONTACTS = RecordShape(
    name="xero_customers",
    identity="ContactID",
    references=("MergedToContactID",),
    texts=(
        "MergedToContactID",
        "ContactStatus",
        "Name",
        "FirstName",
        "LastName",
        "EmailAddress",
        "UpdatedDateUTC",
        "AccountNumber",
        "ContactNumber",
        "CompanyNumber",
        "Website",
    ),
    flags=("IsCustomer", "IsSupplier"),
    lists={
        "ContactPersons": ("FirstName", "LastName", "EmailAddress"),
        "Addresses": (
            "AddressType",
            "AttentionTo",
            "AddressLine1",
            "AddressLine2",
            "AddressLine3",
            "AddressLine4",
            "City",
            "Region",
            "PostalCode",
            "Country",
        ),
        "ContactGroups": ("Name",),
        "Phones": ("PhoneType", "PhoneNumber", "PhoneAreaCode", "PhoneCountryCode"),
    },
)
"""Contact of Xero's Accounting API 2.0."""

TO_ERASE = "GDPRREQUEST"
"""The ContactStatus of a contact whose person asked to be forgotten."""

ALWAYS_READ = ("ContactID", "MergedToContactID", "ContactStatus", "Name", "UpdatedDateUTC", "IsCustomer", "IsSupplier")
"""Fields that say which contact it is and whether it is one of ours, whatever a mapping says."""

MAPPABLE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("Name", "FirstName", "LastName", "EmailAddress"),
            *("AccountNumber", "ContactNumber", "CompanyNumber", "Website", "ContactGroups.Name"),
        ),
        ("customer_title", "first_name", "last_name", "business_name", "email"),
    ),
    "ContactPersons.FirstName": ("first_name",),
    "ContactPersons.LastName": ("last_name",),
    "ContactPersons.EmailAddress": ("email",),
    **{f"Phones.{kind}": ("mobile", "phone") for kind in ("DEFAULT", "DDI", "OFFICE", "MOBILE", "FAX", "other")},
    **{f"Addresses.{kind}": (ADDRESS,) for kind in ("STREET", "POBOX", "other")},
}
"""What a mapping may name, and which columns each field may become, custom fields besides.

``other`` are types that Xero may add. Names of ContactPersons go into the further columns, ``first_name2`` and so on.
"""
